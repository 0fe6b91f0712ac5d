"""A report made by hand: one instrument, an hour of prices, notes."""

import numpy as np

from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.report import Note, Part, Report, Series

BEGIN_MS = 1_700_000_000_000.0
HOUR_MS = 3_600_000.0
BTC = Instrument("BTC-USD", "0.01", "0.001")


def walk(points: int, seed: int = 1) -> Series:
    random = np.random.default_rng(seed)
    return Series(
        BEGIN_MS + np.linspace(0, HOUR_MS, points), 100 + 0.01 * random.normal(size=points).cumsum().round()
    )


def part(points: int = 500, instrument: Instrument = BTC) -> Part:
    start = (np.arange(60) * 60_000 + int(BEGIN_MS)) * 1_000_000
    close = 100 + np.sin(np.arange(60) / 5)
    columns = {"start": start, "open": np.roll(close, 1), "close": close, "high": close + 1.2}
    columns |= {"low": close - 1.2, "volume": 1.0 + np.arange(60)}
    bars = Frame("bars", instrument, columns, "start")
    book = [(10_000 - n, 10 + n) for n in range(300)], [(10_001 + n, 10 + n) for n in range(300)]
    return Part(
        instrument, {"trades": "500"}, walk(points), bars, 60 * 10**9, walk(50, 2), walk(80, 3), *book
    )


def report(*parts: Part, notes: tuple[Note, ...] = ()) -> Report:
    return Report("A session", {"length": "1 h"}, [], notes, parts or (part(),), "0123abcd")


def note(minute: float, text: str, symbol: str = "") -> Note:
    return Note(int((BEGIN_MS + minute * 60_000) * 1e6), text, symbol)
