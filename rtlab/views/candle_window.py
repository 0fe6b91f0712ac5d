"""Which candles a browser needs for the window that it shows, and where among them there is none."""

import math

import msgspec
import numpy as np

from rtlab.views.bars import Bars
from rtlab.views.candle import START, Table

FIRST = 300
"""So many of the newest are sent at least: a small move needs no question."""
LONGEST_MS = 1e13  # 300 years


class Look(msgspec.Struct, frozen=True):
    """The window of a browser, `x0` to `x1` (ms), with room for `most` candles; `live`: it ends with the newest."""

    x0: float = 0.0
    x1: float = 0.0
    most: int = FIRST
    live: bool = True

    def makes_sense(self) -> bool:
        """Say whether there can be such a window."""
        return 1 <= self.most <= 16_384 and 0 < self.x1 - self.x0 < LONGEST_MS and abs(self.x0) < LONGEST_MS


def cut(bars: Bars, look: Look) -> tuple[int, Table, Table]:
    """Give the scale for a window, all its candles, and those of them to draw.

    These reach beyond the window by a quarter of its length, or more. They stay the same while it moves a little.
    """
    span = (look.x1 - look.x0) * 1e6
    scale = bars.scale_for(span, look.most)
    table = bars.rows(scale)
    if look.live:
        count = max(FIRST, math.ceil(1.5 * span / bars.intervals[scale]))
        return scale, table, table[-count:]
    unit = 2.0 ** math.floor(math.log2(span / 2))
    ends = [(math.floor(look.x0 * 1e6 / unit) - 1) * unit, (math.ceil(look.x1 * 1e6 / unit) + 1) * unit]
    first, end = np.searchsorted(table[:, START], ends)
    return scale, table, table[first:end]


def holes(table: Table, interval_ns: int) -> tuple[list[float], list[float]]:
    """Give where (ms) each stretch without a candle begins and ends."""
    starts = table[:, START]
    at = np.flatnonzero(np.diff(starts) > interval_ns)
    return ((starts[at] + interval_ns) / 1e6).tolist(), (starts[at + 1] / 1e6).tolist()
