"""Trades as bubbles: kept in a ring, and gathered by the cell of a picture that they fall into."""

from threading import Lock

import numpy as np

from rtlab.pipelines import Frame
from rtlab.views.tape import Columns, columns_of

MOST_SHOWN = 400
_NAMES = ("ts", "ticks", "lots", "side")


class Trades:
    """The last `capacity` trades, numbered from 0; any thread may append."""

    def __init__(self, capacity: int = 1 << 16) -> None:
        self.total = 0
        self._rows = np.zeros((capacity, len(_NAMES)), np.int64)
        self._lock = Lock()

    def append(self, trades: Frame | Columns) -> None:
        """Add trades, oldest first: a frame or columns with `ts` (ns), `ticks`, `lots` and `side` (aggressor)."""
        columns = columns_of(trades)
        rows = np.stack([np.asarray(columns[name], dtype=np.int64) for name in _NAMES], axis=1)
        with self._lock:
            kept = rows[-len(self._rows) :]
            at = np.arange(self.total + len(rows) - len(kept), self.total + len(rows)) % len(self._rows)
            self._rows[at] = kept
            self.total += len(rows)

    def since(self, number: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Give the trades from `number` on that are still held, as rows (ts, ticks, lots, side)."""
        with self._lock:
            first = max(number, self.total - len(self._rows), 0)
            return self._rows[np.arange(first, self.total) % len(self._rows)]


def gathered(
    rows: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    column_ns: int,
    row_ticks: int,
    most: int = MOST_SHOWN,
) -> list[list[int]]:
    """Give [column, row, lots, side] of the `most` largest bubbles, oldest first: trades of one cell and side are one.

    A column is `column_ns` long and a row `row_ticks` high, both counted from 0.
    """
    keys = np.stack([rows[:, 0] // column_ns, rows[:, 1] // row_ticks, rows[:, 3]], axis=1)
    cells, inverse = np.unique(keys, axis=0, return_inverse=True)
    lots = np.zeros(len(cells), np.int64)
    np.add.at(lots, inverse.reshape(-1), rows[:, 2])
    largest = np.sort(np.argsort(-lots, kind="stable")[:most])
    return [[int(c), int(r), int(lots[i]), int(s)] for i in largest for c, r, s in [cells[i]]]
