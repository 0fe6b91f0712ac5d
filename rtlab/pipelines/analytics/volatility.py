"""Realised volatility: the root of the sum of squared log returns.

Andersen, Bollerslev, Diebold and Labys (2003), Modeling and Forecasting Realized Volatility, Econometrica 71(2),
579-625. It is neither annualised nor corrected for the bounce between bid and ask: sample mids or bars for that.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.analytics.kernels import squared_returns
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Floats, Integers


class VolatilityColumns(NamedTuple):
    """A row for each price that counts: the sum of squares since its window's `start`, its own return with it.

    `kept` picks those rows from the batch.
    """

    kept: NDArray[np.bool_] | slice
    start: Integers
    change: Floats
    variance: Floats

    @property
    def volatility(self) -> Floats:
        """Root of the sum."""
        return np.sqrt(self.variance)


class _Memory(Memory, kw_only=True):
    interval_ns: int
    newest: int | None = None
    last: float | None = None  # logarithm of the last price
    variance: float = 0.0


class VolatilityFold(SavedFold[_Memory]):
    """Folds prices into the realised volatility since the beginning, or since the start of windows.

    The return into a window's first price belongs to that window. A late row, and a price that is not a number
    above 0, is left out.
    """

    KIND, FORM, PARAMETERS = "realized_volatility", _Memory, ("interval_ns",)

    def __init__(self, interval_ns: int = 0) -> None:
        super().__init__(_Memory(interval_ns=interval_ns))

    def fold(self, ts: Integers, price: Floats) -> VolatilityColumns:
        """Take prices in order of arrival, in any unit; give the sum of squares at each."""
        memory = self.memory
        nothing = math.nan if memory.last is None else memory.last
        sums = np.array([nothing, memory.variance])
        newest = np.array([memory.newest is not None, memory.newest or 0], np.int64)
        out, starts = np.empty((3, ts.size)), np.empty(ts.size, np.int64)
        count, left_out = squared_returns(ts, price, memory.interval_ns, sums, newest, out, starts)
        memory.left_out += left_out
        if count:
            memory.newest = int(newest[1])
            memory.last, memory.variance = sums.tolist()
        kept: NDArray[np.bool_] | slice = slice(None)
        if left_out:
            kept = np.zeros(ts.size, np.bool_)
            kept[out[2, :count].astype(np.int64)] = True
        return VolatilityColumns(kept, starts[:count], out[0, :count], out[1, :count])
