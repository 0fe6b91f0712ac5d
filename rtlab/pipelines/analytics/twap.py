"""Time-weighted average price: each price counts for as long as it was the last one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.analytics.exact import Whole, product, running
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.analytics.windows import Windows
from rtlab.pipelines.frame import Floats, Integers


class TwapColumns(NamedTuple):
    """A row for each price in time: `area` in ticks x ns and `elapsed` in ns since the window's `start`, exact.

    `kept` picks those rows from the batch.
    """

    kept: NDArray[np.bool_] | slice
    start: Integers
    ticks: Integers
    area: Whole
    elapsed: Integers

    @property
    def twap(self) -> Floats:
        """Average price in ticks; the price itself where no time has passed."""
        passed = self.elapsed > 0
        return np.where(
            passed, self.area.astype(np.float64) / np.where(passed, self.elapsed, 1), self.ticks
        ).astype(np.float64)


class _Memory(Memory, kw_only=True):
    interval_ns: int
    newest: int | None = None
    last: tuple[int, int] | None = None  # latest time and the price that stands since
    area: str = "0"
    elapsed: int = 0


class TwapFold(SavedFold[_Memory]):
    """Folds prices into their average over time since the beginning, or since the start of windows.

    In a window that is not the first, the price that stood at its start counts from there on. A row older than
    the open window is late and left out; one that is older than the row before it counts as of the same time.
    """

    KIND, FORM, PARAMETERS = "twap", _Memory, ("interval_ns",)

    def __init__(self, interval_ns: int = 0) -> None:
        super().__init__(_Memory(interval_ns=interval_ns))

    def fold(self, ts: Integers, ticks: Integers) -> TwapColumns:
        """Take prices in order of arrival; give the average up to each of them."""
        memory = self.memory
        if not ts.size:
            return TwapColumns(slice(None), ts, ticks, ts, ts)
        windows = Windows(memory.interval_ns, memory.newest, memory.left_out)
        kept, start, begins = windows.place(ts)
        memory.newest, memory.left_out = windows.newest, windows.left_out
        ts, ticks = ts[kept], ticks[kept]
        if not ts.size:
            return TwapColumns(kept, start, ticks, ts, ts)
        since, price = memory.last or (int(ts[0]), int(ticks[0]))
        times = np.maximum.accumulate(np.concatenate([[since], ts]))
        prices = np.concatenate([[price], ticks])
        from_ = np.maximum(times[:-1], start) if memory.interval_ns else times[:-1]
        held = times[1:] - from_
        area = running(product(prices[:-1], held), begins, int(memory.area))
        elapsed = running(held, begins, memory.elapsed)
        memory.last = int(times[-1]), int(ticks[-1])
        memory.area, memory.elapsed = str(int(area[-1])), int(elapsed[-1])
        return TwapColumns(kept, start, ticks, area, elapsed)
