"""Candles as whole numbers, and one of them in units: read from rows of the feed or from frames of bars."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.model import Instrument
from rtlab.pipelines import Frame, units

Table = NDArray[np.int64]
"""A row for each candle: start (ns), open, high, low, close (ticks), volume (lots)."""
START, OPEN, HIGH, LOW, CLOSE, VOLUME = range(6)


class Candle(NamedTuple):
    """Prices and volume in the instrument's units."""

    open: float
    high: float
    low: float
    close: float
    volume: float


def of_rows(rows: Iterable[Sequence[int]]) -> Table:
    """Give the table of rows (start, open, high, low, close in ticks, volume in lots, ...), in their order."""
    return np.array([row[:6] for row in rows], dtype=np.int64).reshape(-1, 6)


def of_frame(frame: Frame) -> Table:
    """Give the table of a frame of bars."""
    sizes = [frame.instrument.tick_size] * 4 + [frame.instrument.lot_size]
    steps = [np.rint(frame[name] / float(size)) for name, size in zip(Candle._fields, sizes, strict=True)]
    return np.column_stack([frame["start"], *(column.astype(np.int64) for column in steps)])


def in_units(table: Table, instrument: Instrument) -> dict[int, Candle]:
    """Give the candles of a table by start (ns)."""
    prices = units(table[:, OPEN:VOLUME], instrument.tick_size).tolist()
    volumes = units(table[:, VOLUME], instrument.lot_size).tolist()
    return {
        start: Candle._make([*row, volume])
        for start, row, volume in zip(table[:, START].tolist(), prices, volumes, strict=True)
    }
