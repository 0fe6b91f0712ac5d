"""Bars that end by activity, not by time: after so many trades, so much volume or so much notional.

Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 2: a bar ends with the trade that brings
its sum to the size or above; the next begins with the next trade, at 0. Prices and quantities are not negative.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.bars import Bar, BarColumns, bar_columns, grouped
from rtlab.pipelines.analytics.exact import Whole, product, widen
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Integers

MEASURES = ("count", "volume", "notional")


class ThresholdBarColumns(NamedTuple):
    """Bars with their `number` from 0 and the time of their last trade; `start` is that of the first."""

    number: Integers
    end: Integers
    bars: BarColumns


class _Memory(Memory, kw_only=True):
    by: str
    size: int
    number: int = -1  # of the open bar
    end: int = 0
    bar: tuple[str, ...] = ()  # as decimal texts: a sum may be wider than 64 bits


class ThresholdBarsFold(SavedFold[_Memory]):
    """Folds trades into bars of `size`: trades (`count`), lots (`volume`) or ticks x lots (`notional`)."""

    KIND, FORM, PARAMETERS = "threshold_bars", _Memory, ("by", "size")

    def __init__(self, by: str, size: int) -> None:
        if by not in MEASURES:
            raise ConfigError("bars of an unknown measure", expected=" or ".join(MEASURES), got=by)
        if not isinstance(size, int) or size < 1:
            raise ConfigError("a bar's size is out of range", expected="a whole number, at least 1", got=size)
        super().__init__(_Memory(by=by, size=size))

    def fold(self, ts: Integers, ticks: Integers, lots: Integers) -> ThresholdBarColumns:
        """Take trades in order of arrival; give the bars that they changed or made final, the open one last."""
        memory = self.memory
        if not ts.size:
            nothing = np.empty(0, np.int64)
            return ThresholdBarColumns(nothing, nothing, bar_columns([]))
        opened = Bar(*map(int, memory.bar)) if memory.bar else None
        begins = self._begins(ticks, lots, opened)
        heads = np.flatnonzero(begins)
        changed = grouped(ts, begins, ticks, lots)
        ends = np.append(ts[heads[heads > 0] - 1], ts[-1])
        first = memory.number + bool(begins[0])
        if opened is not None:
            if begins[0]:
                changed.insert(0, opened)
                ends, first = np.concatenate([[memory.end], ends]), first - 1
            else:
                changed[0] = opened.then(changed[0])
        memory.number, memory.end = first + len(changed) - 1, int(ts[-1])
        memory.bar = tuple(map(str, changed[-1]))
        return ThresholdBarColumns(first + np.arange(len(changed)), ends, bar_columns(changed))

    def _begins(self, ticks: Integers, lots: Integers, opened: Bar | None) -> NDArray[np.bool_]:
        size, by = self.memory.size, self.memory.by
        amounts: Whole = (
            np.ones_like(lots) if by == "count" else lots if by == "volume" else product(ticks, lots)
        )
        done = 0 if opened is None else self._measured(opened)
        total = np.cumsum(widen(amounts, amounts.size, size))
        begins = np.zeros(lots.size, np.bool_)
        if opened is None or done >= size:
            begins[0], done = True, 0
        base = -done
        while True:  # a round for each bar that ends here
            last = int(np.searchsorted(total, base + size))
            if last + 1 >= lots.size:
                return begins
            begins[last + 1] = True
            base = int(total[last])

    def _measured(self, bar: Bar) -> int:
        return {"count": bar.trades, "volume": bar.lots, "notional": bar.notional}[self.memory.by]
