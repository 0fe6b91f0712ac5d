"""A relay in a process of its own, on a gateway, with a Redis. Ends with its owner.

python relay_server.py '{"redis": null, "port": 0, "limits": {}}' prints {"url": ..., "redis": ...} when it serves.
With "wallets", families of test wallets, it has the page of the messages too.
"""

import asyncio
import json
import sys
from contextlib import nullcontext

import uvloop

from rtlab.book import Market
from rtlab.cli.running import settle_heap
from rtlab.embedded import EmbeddedServer
from rtlab.feed import Gateway
from rtlab.messaging.pages import pages
from rtlab.messaging.relay import PATH, Relay, RelayLimits
from rtlab.sources.simulated import demo_instruments

DIRECTORY = "relay.test"


async def serve(
    redis: str | None = None,
    port: int = 0,
    limits: dict | None = None,
    synced: bool = False,
    wallets: list[str] | None = None,
) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    with nullcontext() if redis else EmbeddedServer() as server:
        url = redis or server.url
        relay = Relay(url, DIRECTORY, limits=RelayLimits(**(limits or {})), synced=synced)
        market = Market(demo_instruments(), 1)
        async with relay, Gateway(market, port=port, services={PATH: relay.service()}) as gateway:
            gateway.publish()
            if wallets:
                gateway.routes.update(pages(DIRECTORY, test_wallets=wallets))
            settle_heap()  # as `rtlab serve` does
            told = {"url": gateway.url + PATH, "redis": url, "port": gateway.port}
            print(json.dumps(told), flush=True)
            await ended.wait()
            print(json.dumps(relay.statistics()._asdict()), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(**json.loads(sys.argv[1])))
