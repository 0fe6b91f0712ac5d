"""One candle: prices and volume of an interval; read from rows of the feed or from frames of bars."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rtlab.model import Instrument
from rtlab.pipelines import Frame, units


class Candle(NamedTuple):
    """Prices and volume in the instrument's units."""

    open: float
    high: float
    low: float
    close: float
    volume: float


def of_rows(rows: Iterable[Sequence[int]], instrument: Instrument) -> dict[int, Candle]:
    """Give candles by start (ns) of rows (start, open, high, low, close in ticks, volume in lots, ...)."""
    table = np.array([row[:6] for row in rows], dtype=np.int64).reshape(-1, 6)
    prices = units(table[:, 1:5], instrument.tick_size).tolist()
    volumes = units(table[:, 5], instrument.lot_size).tolist()
    return {
        start: Candle._make([*row, volume])
        for start, row, volume in zip(table[:, 0].tolist(), prices, volumes, strict=True)
    }


def of_frame(frame: Frame) -> dict[int, Candle]:
    """Give candles by start (ns) of a frame of bars."""
    rows = zip(*(frame[name].tolist() for name in Candle._fields), strict=True)
    return dict(zip(frame["start"].tolist(), map(Candle._make, rows), strict=True))
