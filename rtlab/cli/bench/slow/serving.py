"""The two servers of `rtlab bench slow`: ours, and a plain one that queues for each reader what it cannot send yet."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from rtlab.book import Market
from rtlab.cli.bench.children import Owner
from rtlab.cli.bench.load import INSTRUMENT, Load, drive
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.protocol import CHANNEL_KINDS, Codec, Limits, Subscriber
from rtlab.sources.flow import Commands

STEP_S = 0.005
DEPTH = 20
LOOK_EVERY_NS = 50_000_000


class Served(NamedTuple):
    """What one reader cost the server: peaks of bytes in its send buffer, and of bytes unanswered."""

    buffered: int
    unanswered: int


class Account(NamedTuple):
    """What all cost: by port, the peak of all send buffers together, and who was evicted, for memory among them."""

    served: dict[int, Served]
    buffered: int
    evicted: int
    given_up: int


async def serve(owner: Owner, load: Load, evict_after_s: float) -> None:
    """Engine, market and gateway under `load` between two words of the owner; tells its port, at the end an Account."""
    opening, commands = load.commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    market.apply(engine.process(opening))
    served: dict[int, Served] = {}
    next_look = peak = 0
    async with Gateway(market, limits=Limits(evict_after_s=evict_after_s)) as gateway:

        def step(rows: Commands) -> None:
            nonlocal next_look, peak
            market.apply(engine.process(rows))
            gateway.publish()
            if (now := time.monotonic_ns()) >= next_look:
                peak = max(peak, _look(gateway, served))
                # what is measured must not be the looking: at most a half of a percent of the time
                next_look = now + max(LOOK_EVERY_NS, 200 * (time.monotonic_ns() - now))

        owner.send(gateway.port)
        await _between_words(owner, drive(commands, step, STEP_S))
        statistics = gateway.statistics()
        owner.send(Account(served, peak, statistics.evicted, statistics.given_up))
        await owner.receive()


async def _between_words(owner: Owner, driving: Coroutine[Any, Any, object]) -> None:
    await owner.receive()
    drives = asyncio.create_task(driving)
    await owner.receive()
    drives.cancel()
    await asyncio.wait([drives])
    if not drives.cancelled():
        drives.result()  # it ended before: why?


def _look(gateway: Gateway, served: dict[int, Served]) -> int:
    total = 0
    for connection in gateway.connections:
        total += connection.held()
        if isinstance(connection.session, Subscriber):
            port = connection.transport.get_extra_info("peername")[1]
            before = served.get(port, Served(0, 0)).unanswered
            unanswered = max(before, connection.session.unanswered)
            served[port] = Served(connection.peak_buffered, unanswered)
    return total


async def serve_plainly(owner: Owner, load: Load) -> None:
    """Send every increment of the book by websockets' `send`; tells its port, at the end the longest queue."""
    opening, commands = load.commands()
    engine, market, codec = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1), Codec()
    market.apply(engine.process(opening))
    book, message = market.book(INSTRUMENT.symbol), CHANNEL_KINDS["book"].message
    queues: set[asyncio.Queue[bytes]] = set()
    seen, longest, over = book.seq, 0, False

    async def converse(connection: ServerConnection) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.add(queue)
        with contextlib.suppress(ConnectionClosed):
            while not over:
                await connection.send(await queue.get())
        queues.discard(queue)

    def step(rows: Commands) -> None:
        nonlocal seen, longest
        market.apply(engine.process(rows))
        update = book.since(1, seen, DEPTH, DEPTH)
        seen = book.seq
        if update is not None:
            payload = codec.encode(message(1, update, None))
            for queue in queues:
                queue.put_nowait(payload)
                longest = max(longest, queue.qsize())

    async with serve_websockets(
        converse,
        "127.0.0.1",
        0,
        compression=None,
        ping_interval=None,
        close_timeout=0.1,
        subprotocols=[Subprotocol(codec.subprotocol)],
    ) as server:
        owner.send(next(iter(server.sockets)).getsockname()[1])
        await _between_words(owner, drive(commands, step, STEP_S))
        owner.send(longest)
        over = True
        for queue in tuple(queues):
            queue.put_nowait(b"")  # who waits for more goes home
        for connection in tuple(server.connections):
            connection.transport.abort()  # who waits for its reader, too
        await owner.receive()
