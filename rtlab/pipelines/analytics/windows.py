"""Windows of event time: which one a row belongs to, and what happens to a row that comes too late.

A window is open until a row of a later one has been seen; then it is final. A row older than the open window's
start is late: it is in no window, and counted. Within the open window rows count in order of arrival, which is
the order of their sequence, whatever their times. No clock is read.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.frame import Integers


class Placed(NamedTuple):
    """Where the rows of a batch belong: for the rows `kept`, start of the window and whether it begins there."""

    kept: NDArray[np.bool_] | slice
    start: Integers
    begins: NDArray[np.bool_]


class Windows:
    """Places rows in windows of `interval_ns`, aligned to 1970; 0 is one window that never ends."""

    def __init__(self, interval_ns: int, newest: int | None = None, left_out: int = 0) -> None:
        self.interval_ns, self.newest, self.left_out = interval_ns, newest, left_out

    def place(self, ts: Integers) -> Placed:
        """Place a batch of one or more rows with event times `ts`, in ns, in order of arrival."""
        start = ts - ts % self.interval_ns if self.interval_ns else np.zeros_like(ts)
        floor = int(start[0]) if self.newest is None else self.newest
        kept: NDArray[np.bool_] | slice = slice(None)
        if start[0] < floor or (start[1:] < start[:-1]).any():
            kept = start >= np.maximum.accumulate(np.concatenate([[floor], start]))[:-1]
            self.left_out += ts.size - int(np.count_nonzero(kept))
            start = start[kept]
        begins = np.ones(start.size, np.bool_)
        if start.size:
            begins[0] = start[0] != self.newest
            begins[1:] = start[1:] != start[:-1]
            self.newest = int(start[-1])
        return Placed(kept, start, begins)
