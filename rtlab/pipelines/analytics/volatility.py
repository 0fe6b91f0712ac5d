"""Realised volatility: the root of the sum of squared log returns.

Andersen, Bollerslev, Diebold and Labys (2003), Modeling and Forecasting Realized Volatility, Econometrica 71(2),
579-625. It is neither annualised nor corrected for the bounce between bid and ask: sample mids or bars for that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.analytics.windows import Windows
from rtlab.pipelines.frame import Floats, Integers


class VolatilityColumns(NamedTuple):
    """A row for each price that counts: the sum of squares since its window's `start`, its own return with it.

    `kept` picks those rows from the batch.
    """

    kept: NDArray[np.bool_]
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
        kept = np.isfinite(price) & (price > 0)
        memory.left_out += ts.size - int(np.count_nonzero(kept))
        if not kept.any():
            return VolatilityColumns(kept, ts[:0], price[:0], price[:0])
        windows = Windows(memory.interval_ns, memory.newest, memory.left_out)
        in_time, start, begins = windows.place(ts[kept])
        memory.newest, memory.left_out = windows.newest, windows.left_out
        at = np.flatnonzero(kept)[in_time]
        kept = np.zeros(ts.size, np.bool_)
        kept[at] = True
        logs = np.log(price[kept])
        if not logs.size:
            return VolatilityColumns(kept, start, logs, logs)
        change = np.diff(logs, prepend=logs[0] if memory.last is None else memory.last)
        variance = sums_from(change * change, begins, memory.variance)
        memory.last, memory.variance = float(logs[-1]), float(variance[-1])
        return VolatilityColumns(kept, start, change, variance)


def sums_from(values: Floats, begins: NDArray[np.bool_], carry: float) -> Floats:
    """Give the running sum at each row, added one after the other; from 0 where `begins`, before from `carry`."""
    out = np.empty_like(values)
    heads = np.flatnonzero(begins).tolist()
    for first, end in zip([0, *heads], [*heads, values.size], strict=True):
        if first < end:
            before = 0.0 if begins[first] else carry
            out[first:end] = np.cumsum(np.concatenate([[before], values[first:end]]))[1:]
    return out
