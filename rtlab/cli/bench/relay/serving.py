"""The relay of the benchmark: on a gateway, with a Redis of its own, in a process of its own."""

from rtlab.book import Market
from rtlab.cli.bench.children import Owner
from rtlab.cli.running import settle_heap
from rtlab.embedded import EmbeddedServer
from rtlab.feed import Gateway
from rtlab.messaging.relay import PATH, Relay, RelayLimits
from rtlab.sources.simulated import demo_instruments

DIRECTORY = "relay.bench"
MANY = 1_000_000
LIMITS = RelayLimits(per_s=MANY, burst=MANY, stranger_messages=MANY, mailbox=MANY, outgoing=4096)
"""What bounds a device is no part of what is measured; what bounds the relay is."""


async def serve(owner: Owner) -> None:
    """Serve until the owner leaves; tell it where, and when asked how many envelopes were refused or came twice."""
    with EmbeddedServer() as server:
        relay = Relay(server.url, DIRECTORY, limits=LIMITS)
        async with relay, Gateway(Market(demo_instruments(), 1), services={PATH: relay.service()}) as gateway:
            settle_heap()  # as `rtlab serve` does
            owner.send(gateway.port)
            while True:
                await owner.receive()
                counted = relay.statistics()
                owner.send(counted.refused + counted.duplicates)
