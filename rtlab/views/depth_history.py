"""What rested in a book at each price over time, on several scales of time: what a depth heat map shows.

Theory of operation. Time is cut into columns of `interval_ns`, price into rows of `row_ticks`. A cell is one
byte, the logarithm of the most lots that rested there within the column: eight steps an octave, so that a byte
reaches 3.9 billion lots and is exact to 4.5 %. A column holds ROWS rows from its own `base` on, and follows the
market when that moves. On scale k one column is the greatest of 2**k columns of scale 0, cell by cell. Each scale
is a ring of as many columns: the finest forgets first, the coarsest remembers hours. The newest column is open.
"""

from collections.abc import Sequence
from threading import RLock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.model import Instrument

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Levels = Sequence[tuple[int, int]]
State = tuple[Bytes, int, tuple[int, int]]
"""Cells, their first row, and the rows of the best bid and ask."""

ROWS = 512
SCALES = 9
STEPS = 8  # of a byte, an octave
NONE = np.iinfo(np.int64).min
"""Where a side of the book is empty."""


def to_bytes(lots: Integers | NDArray[np.float64]) -> Bytes:
    """Give the byte of a cell in which so many lots rest; 0 for none."""
    steps = np.round(STEPS * np.log2(1 + np.asarray(lots, dtype=np.float64)))
    return np.clip(steps, 0, 255).astype(np.uint8)


def to_lots(cells: Bytes) -> NDArray[np.float64]:
    """Give how many lots a cell stands for, as exactly as it knows."""
    return np.exp2(np.asarray(cells) / STEPS) - 1


class Picture(NamedTuple):
    """Some columns [first, first + n) of a scale: `cells` (n, rows), least price first; best rows of both sides."""

    first: int
    cells: Bytes
    bids: Integers
    asks: Integers


class _Scale:
    """A ring of columns; number c lies at c modulo the capacity."""

    def __init__(self, capacity: int) -> None:
        self.cells = np.zeros((capacity, ROWS), np.uint8)
        self.bases = np.zeros(capacity, np.int64)
        self.bids = np.full(capacity, NONE)
        self.asks = np.full(capacity, NONE)

    def put(self, at: int, cells: Bytes, base: int, best: tuple[int, int], *, merge: bool) -> None:
        """Write a column; with `merge` its cells are the greater of what was there and what comes."""
        places = (base + np.arange(ROWS)) % ROWS
        if merge:
            # of what was there, the rows that both have
            old = self.cells[at][places]
            moved = base - int(self.bases[at])
            rows = np.arange(ROWS)
            cells = np.maximum(cells, np.where((rows + moved >= 0) & (rows + moved < ROWS), old, 0))
        self.cells[at][places] = cells
        self.bases[at] = base
        self.bids[at], self.asks[at] = best


class DepthHistory:
    """The resting depth of one instrument over time, shared by any number of heat maps. Any thread may append."""

    def __init__(
        self,
        instrument: Instrument,
        *,
        interval_ns: int = 1_000_000_000 // 30,
        row_ticks: int = 1,
        columns: int = 4096,
    ) -> None:
        if interval_ns < 1 or row_ticks < 1 or columns < 2:
            raise ConfigError(
                "a depth history needs an interval, a row and columns",
                expected="interval_ns >= 1, row_ticks >= 1, columns >= 2",
                got=f"{interval_ns}, {row_ticks}, {columns}",
            )
        self.instrument, self.interval_ns, self.row_ticks, self.capacity = (
            instrument,
            interval_ns,
            row_ticks,
            columns,
        )
        self.newest = -1
        """Number of the open column of scale 0: its time (ns) divided by `interval_ns`; -1 before the first."""
        self._oldest = 0
        self._last: State = (np.zeros(ROWS, np.uint8), 0, (NONE, NONE))
        self._scales = [_Scale(columns) for _ in range(SCALES)]
        self._lock = RLock()

    def append(self, ts: int, bids: Levels, asks: Levels) -> None:
        """Say what rests in the book at `ts` (ns, not before the last one): levels (ticks, lots), best first.

        Columns for which nobody said anything hold what was said before.
        """
        column = max(ts // self.interval_ns, self.newest)
        state = self._column(bids, asks)
        with self._lock:
            before = self.newest
            if before >= 0 and column - before > self.capacity << (SCALES - 1):
                before = -1  # nothing of then would be left on any scale
            if before < 0:
                self._oldest = column
            else:
                self._fill(before, column)
            for k, scale in enumerate(self._scales):
                at = column >> k
                is_new = before < 0 or (column > before and at > (column - 1) >> k)
                scale.put(at % self.capacity, *state, merge=not is_new)
            self._last, self.newest = state, column

    def _fill(self, before: int, column: int) -> None:
        """Say of the columns between these two what was said last."""
        cells, base, best = self._last
        for k, scale in enumerate(self._scales):
            between = range((before >> k) + 1, ((column - 1) >> k) + 1)
            for at in between[-self.capacity :]:
                scale.put(at % self.capacity, cells, base, best, merge=False)

    def _column(self, bids: Levels, asks: Levels) -> State:
        levels = np.array([*bids, *asks], dtype=np.int64).reshape(-1, 2)
        rows = levels[:, 0] // self.row_ticks
        sides = [int(side[0][0]) // self.row_ticks if side else NONE for side in (bids, asks)]
        known = [row for row in sides if row != NONE]
        middle = sum(known) // len(known) if known else 0
        base = middle - ROWS // 2
        inside = (rows >= base) & (rows < base + ROWS)
        lots = np.zeros(ROWS)
        np.add.at(lots, rows[inside] - base, levels[inside, 1])
        return to_bytes(lots), base, (sides[0], sides[1])

    def extent(self, scale: int) -> tuple[int, int]:
        """Give the first and the last column that a scale still holds; (0, -1) for none."""
        if self.newest < 0:
            return 0, -1
        newest = self.newest >> scale
        return max(self._oldest >> scale, newest - self.capacity + 1), newest

    def picture(self, scale: int, first: int, count: int, base: int, rows: int, factor: int = 1) -> Picture:
        """Give `count` columns of a scale from `first` on, and of them `rows` rows of `factor` each from `base` on.

        A cell is the greatest of its rows. What is not held is 0, and NONE.
        """
        with self._lock:
            low, high = self.extent(scale)
            columns = np.arange(first, first + count)
            held = (columns >= low) & (columns <= high)
            ring, at = self._scales[scale], columns % self.capacity
            bases = ring.bases[at][:, None]
            wanted = (base + np.arange(rows * factor))[None, :]
            seen = (wanted >= bases) & (wanted < bases + ROWS) & held[:, None]
            cells = np.where(seen, ring.cells[at[:, None], wanted % ROWS], 0)
            bids, asks = np.where(held, ring.bids[at], NONE), np.where(held, ring.asks[at], NONE)
        return Picture(first, cells.reshape(count, rows, factor).max(axis=2), bids, asks)

    def middle(self) -> int:
        """Give the row between the newest best prices; 0 before there are any."""
        if self.newest < 0:
            return 0
        at = self.newest % self.capacity
        known = [int(side[at]) for side in (self._scales[0].bids, self._scales[0].asks) if side[at] != NONE]
        return sum(known) // len(known) if known else int(self._scales[0].bases[at]) + ROWS // 2

    def __repr__(self) -> str:
        low, high = self.extent(0)
        return f"DepthHistory({self.instrument.symbol}, {high - low + 1:,} columns)"
