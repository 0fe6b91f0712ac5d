"""The markets whose bytes are counted: recorded ones, each step a message of the venue, and a simulated one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtlab.book import Market
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.engine import Engine
from rtlab.model import DepthSnapshot, DepthUpdate, EventKind, Instrument
from rtlab.protocol.limits import SECOND
from rtlab.sources.binance import Binance
from rtlab.sources.simulated import Simulated

RECORDED = {
    "BTC perpetual": "binance/usdm_btcusdt_20240808.gz",
    "ETH spot": "binance/spot_ethusdt_20240808.gz",
}
SIMULATED = "simulated"
COMMANDS_PER_S = 2_000


class Step(NamedTuple):
    """The market has changed, at `now` (ns)."""

    now: int


class Flow(NamedTuple):
    """A market that changes step by step as `steps` are taken, for `seconds` of its own time."""

    name: str
    instrument: Instrument
    market: Market
    steps: Iterator[Step]


def recorded(name: str, seconds: float) -> Flow | str:
    """Give a recorded flow from when its book is whole, or the reason why there is none."""
    folder = os.environ.get("RTLAB_DATA")
    path = Path(folder or "") / RECORDED[name]
    if folder is None or not path.exists():
        return f"no recorded data at {path} (set RTLAB_DATA)"
    source = Binance(path)
    market = Market([source.instrument], epoch=1)
    return Flow(name, source.instrument, market, _replay(source, market, seconds))


def simulated(seconds: float, commands_per_s: int = COMMANDS_PER_S) -> Flow:
    """Give a simulated flow; a step is what one command changes."""
    market = Market([INSTRUMENT], epoch=1)
    return Flow(SIMULATED, INSTRUMENT, market, _simulate(market, seconds, commands_per_s))


def _replay(source: Binance, market: Market, seconds: float) -> Iterator[Step]:
    symbol, end = source.instrument.symbol, None
    for message in source:
        if not isinstance(message, DepthSnapshot | DepthUpdate):
            continue
        market.apply_depth(symbol, message)
        if market.state(symbol).venue.needs_snapshot:
            continue
        end = end or message.ts_recv + round(seconds * SECOND)
        if message.ts_recv > end:
            return
        yield Step(message.ts_recv)


def _simulate(market: Market, seconds: float, commands_per_s: int) -> Iterator[Step]:
    source, engine = Simulated([INSTRUMENT], rate=commands_per_s, seed=1), Engine([INSTRUMENT])
    market.apply(engine.process(source.batch(source.opening)))
    events = engine.process(source.until(round(seconds * SECOND)))
    events = events[events["kind"] == EventKind.LEVEL]
    begins = np.flatnonzero(np.append(True, events["command"][1:] != events["command"][:-1]))
    for rows in np.split(events, begins[1:]):
        market.apply(rows)
        yield Step(int(rows["ts"][-1]))
