"""Bars of bars: candles on scales of ever longer intervals, so that a window of any length has few, and exact ones.

Theory of operation. Scale 0 holds the bars as they came. An interval of scale k + 1 is a multiple of that of scale k
and begins at a multiple of itself since 1970. Its bar has the open of the first bar of scale k in it, the highest
high, the lowest low, the close of the last, and the sum of their volumes: what all bars of scale 0 together have, in
whole ticks and lots. The newest bar of every scale is open. When a bar comes or changes, each scale makes those bars
anew that hold it or a later one. Each scale keeps as many bars: the finest forgets first, the coarsest remembers for
years. A bar whose parts a finer scale has begun to forget stays as it is.
"""

import numpy as np

from rtlab.errors import ConfigError, LocalError
from rtlab.views.candle import CLOSE, HIGH, LOW, OPEN, START, VOLUME, Table

SECOND = 1_000_000_000
_USUAL = [SECOND // 1000 * n for n in (1, 5, 10, 50, 100, 500)]
_USUAL += [SECOND * n for n in (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)]
"""The intervals that people read charts in; each is a multiple of those before it."""
SCALES, WIDEST_STEP = 10, 8
LEAST_KEPT = 2 * WIDEST_STEP


def intervals(interval_ns: int) -> tuple[int, ...]:
    """Give the intervals (ns) of all scales: the usual ones where they fit, else four times the one before."""
    made = [interval_ns]
    while len(made) < SCALES:
        last = made[-1]
        usual = (n for n in _USUAL if 2 * last <= n <= WIDEST_STEP * last and n % last == 0)
        made.append(next(usual, 4 * last))
    return tuple(made)


def interval_name(ns: int) -> str:
    """Give an interval as one says it: "1 s", "15 m"."""
    for unit, size in (("d", 86_400 * SECOND), ("h", 3600 * SECOND), ("m", 60 * SECOND), ("s", SECOND)):
        if ns % size == 0:
            return f"{ns // size} {unit}"
    return f"{ns / 1e6:g} ms"


class Bars:
    """The bars of one instrument on all scales; at least the newest `keep` of each (at most twice as many)."""

    def __init__(self, interval_ns: int, *, keep: int = 20_000) -> None:
        if interval_ns < 1 or keep < 1:
            raise ConfigError(
                "candles need an interval and a bound above 0", got={"interval_ns": interval_ns, "keep": keep}
            )
        self.intervals, self.keep = intervals(interval_ns), keep
        self._scales = [_Scale(max(keep, LEAST_KEPT)) for _ in self.intervals]

    def update(self, news: Table) -> None:
        """Take bars that are new or changed, in any order; the last of equal start counts.

        Those that are older than all that is kept change nothing. LocalError for a start between two intervals.
        """
        fine = self._scales[0]
        off = news[:, START] % self.intervals[0] != 0
        if off.any():
            raise LocalError(
                "a bar of the caller's begins between two",
                expected=f"a multiple of {self.intervals[0]:,} ns",
                got=int(news[off.argmax(), START]),
            )
        if fine.has_forgotten:
            news = news[news[:, START] >= fine.rows[0, START]]
        if not len(news):
            return
        first = int(news[:, START].min())
        fine.put(_merged(fine.rows[fine.place(first) :], news))
        for lower, upper, interval in zip(self._scales, self._scales[1:], self.intervals[1:], strict=False):
            first = first // interval * interval
            if lower.has_forgotten and first < lower.rows[0, START]:
                first = -(-int(lower.rows[0, START]) // interval) * interval
            rows = lower.rows[lower.place(first) :]
            if not len(rows):
                break
            upper.put(_joined(rows, interval))

    def scale_for(self, span_ns: float, most: int) -> int:
        """Give the finest scale that has at most `most` bars in so long a window; the coarsest if none has."""
        fitting = (k for k, interval in enumerate(self.intervals) if span_ns <= most * interval)
        return next(fitting, len(self.intervals) - 1)

    def rows(self, scale: int = 0) -> Table:
        """Give the bars of a scale, the last one open; a view that is good until the next update."""
        return self._scales[scale].rows[-self.keep :]

    def __len__(self) -> int:
        return len(self.rows())

    def __repr__(self) -> str:
        return f"Bars({self.intervals[0] / SECOND:g} s, {len(self):,} of {self.keep:,})"


class _Scale:
    """Rows that ascend by start; of the oldest, those that are too many go."""

    def __init__(self, keep: int) -> None:
        self._keep, self._count = keep, 0
        self._rows: Table = np.empty((64, 6), np.int64)
        self.has_forgotten = False

    @property
    def rows(self) -> Table:
        return self._rows[: self._count]

    def place(self, start: int) -> int:
        """Give the place of the first row that begins at `start` or later."""
        return int(np.searchsorted(self.rows[:, START], start))

    def put(self, rows: Table) -> None:
        """Write rows in place of all that begin with the first of them or later."""
        at = self.place(int(rows[0, START]))
        count = at + len(rows)
        if count > len(self._rows):
            gone = max(0, count - self._keep)
            kept = self._rows[min(gone, at) : at]
            rows = rows[max(0, gone - at) :]
            at, count = len(kept), len(kept) + len(rows)
            grown = np.empty((max(64, 2 * count), 6), np.int64)
            grown[:at] = kept
            self._rows, self.has_forgotten = grown, self.has_forgotten or gone > 0
        self._rows[at:count] = rows
        self._count = count


def _merged(held: Table, news: Table) -> Table:
    """Give all rows by start; of equal ones the last of the news."""
    every: Table = np.concatenate([held, news])
    every = every[np.argsort(every[:, START], kind="stable")]
    is_last = np.append(every[1:, START] != every[:-1, START], True)
    merged: Table = every[is_last]
    return merged


def _joined(rows: Table, interval: int) -> Table:
    """Give the bars of an interval that is a multiple of that of `rows`."""
    start = rows[:, START] // interval * interval
    heads = np.flatnonzero(np.append(True, start[1:] != start[:-1]))
    out = np.empty((len(heads), 6), np.int64)
    out[:, START], out[:, OPEN] = start[heads], rows[heads, OPEN]
    out[:, HIGH] = np.maximum.reduceat(rows[:, HIGH], heads)
    out[:, LOW] = np.minimum.reduceat(rows[:, LOW], heads)
    out[:, CLOSE] = rows[np.append(heads[1:], len(rows)) - 1, CLOSE]
    out[:, VOLUME] = np.add.reduceat(rows[:, VOLUME], heads)
    return out
