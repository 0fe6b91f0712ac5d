"""Reads of the last minute while the recorder is a minute behind: nearly all of it is only hot."""

import asyncio
import time

from rtlab.book import Market
from rtlab.cli.bench.load import INSTRUMENT, Load
from rtlab.cli.bench.store.recording import folder
from rtlab.embedded import EmbeddedServer
from rtlab.engine import Engine
from rtlab.store import Recorder, Store, Writer
from rtlab.store.cold.place import LocalPlace

EVENTS_PER_S = 2000
MINUTE_S = 60
_MORE_S = 6  # that come while it is read


def last_minute(quick: bool) -> list[float]:
    """Give how long each read took, in ms."""
    return asyncio.run(_last_minute(50 if quick else 300))


async def _last_minute(reads: int) -> list[float]:
    opening, commands = Load(EVENTS_PER_S, MINUTE_S + _MORE_S).commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    with folder() as path, EmbeddedServer(path / "hot") as server:
        async with Writer(market, server.url) as writer:
            async with Recorder(server.url, LocalPlace(path), path) as recorder:
                market.apply(engine.process(opening))
                await recorder.reached({INSTRUMENT.symbol: market.state(INSTRUMENT.symbol).position})
            first = int(
                (commands["ts"] < MINUTE_S * 1_000_000_000).sum()
            )  # the recorder has ended: it is behind
            for at in range(0, first, 8):
                market.apply(engine.process(commands[at : min(at + 8, first)]))
                await writer.drained(1000)
            await writer.drained()
            with Store(path) as store:
                reading = asyncio.create_task(asyncio.to_thread(_read, store, reads))
                began = time.monotonic()
                at = first
                while not reading.done() and at < len(commands):
                    market.apply(engine.process(commands[at : at + 8]))
                    at += 8
                    await asyncio.sleep(
                        max(0.0, began + (at - first) * 1.0 / EVENTS_PER_S - time.monotonic())
                    )
                return await reading


def _read(store: Store, reads: int) -> list[float]:
    took = []
    for _ in range(reads):
        end = store.newest(INSTRUMENT.symbol)
        began = time.perf_counter()
        rows = store.read("book", INSTRUMENT.symbol, end - MINUTE_S * 1_000_000_000)
        took.append(1e3 * (time.perf_counter() - began))
        assert rows.num_rows
    return took
