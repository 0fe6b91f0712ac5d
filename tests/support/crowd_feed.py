"""A feed for crowds of readers: a market that changes by itself, served in the test's own loop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import numpy as np

from rtlab.book import Market
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.model import EventKind
from rtlab.sources.simulated import Simulated

SYMBOL = INSTRUMENT.symbol


class Feed(NamedTuple):
    """What is served; `quiet` is to be set to stop the changes."""

    market: Market
    gateway: Gateway
    quiet: asyncio.Event


def changes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the EVENT rows that fill a book, and `count` commands' level changes after that."""
    simulated, engine = Simulated([INSTRUMENT], seed=1), Engine([INSTRUMENT])
    opening = engine.process(simulated.batch(simulated.opening))
    events = engine.process(simulated.batch(count))
    return opening, events[events["kind"] == EventKind.LEVEL]


@asynccontextmanager
async def changing_feed(step: int = 5, every_s: float = 0.005) -> AsyncIterator[Feed]:
    """Serve a book that changes by `step` levels every `every_s`, with ts_event of this machine's clock."""
    opening, rows = changes(20_000)
    market = Market([INSTRUMENT], epoch=1)
    market.apply(opening)
    quiet = asyncio.Event()

    async def change(gateway: Gateway) -> None:
        for start in range(0, len(rows), step):
            if quiet.is_set():
                break
            some = rows[start : start + step].copy()
            some["ts"] = time.monotonic_ns()
            market.apply(some)
            gateway.publish()
            await asyncio.sleep(every_s)

    async with Gateway(market) as gateway:
        changing = asyncio.create_task(change(gateway))
        try:
            yield Feed(market, gateway, quiet)
        finally:
            quiet.set()
            await changing
