"""Rolling correlation of the log returns of several instruments, on a common grid of event time.

The price of a step is the last one in it or before (previous tick). A step in which no instrument had a price makes
no return, so that a pause of the market is one return and not many of 0. Finer grids lower correlations: Epps
(1979), Comovements in Stock Prices in the Very Short Run, JASA 74(366), 291-298.
"""

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.align import LIMIT
from rtlab.pipelines.analytics.legs import LegsMemory, Standing, begin_legs, finish_legs, take_prices
from rtlab.pipelines.analytics.memory import SavedFold
from rtlab.pipelines.analytics.smoothing import check_period
from rtlab.pipelines.frame import Floats, Integers


class CorrelationColumns(NamedTuple):
    """A row for each step that ended, once there are enough: correlations (rows by pairs), NaN without variance."""

    start: Integers
    correlation: Floats


class _Memory(LegsMemory, kw_only=True):
    interval_ns: int
    period: int
    step: int | None = None  # start of the open step
    logs: tuple[float, ...] = ()  # log prices of the step before
    returns: tuple[tuple[float, ...], ...] = ()  # of the last steps


class CorrelationFold(SavedFold[_Memory]):
    """Folds prices of legs into correlations over the last `period` returns between steps of `interval_ns`."""

    KIND, FORM, PARAMETERS = (
        "correlation",
        _Memory,
        ("interval_ns", "period", "aligner.lateness_ns", "aligner.limit"),
    )

    def __init__(
        self, legs: int, interval_ns: int, period: int, lateness_ns: int = 0, limit: int = LIMIT
    ) -> None:
        if interval_ns < 1:
            raise ConfigError("a grid's step is out of range", expected="above 0 ns", got=interval_ns)
        aligner, prices = begin_legs(legs, lateness_ns, limit)
        memory = _Memory(
            aligner=aligner, prices=prices, interval_ns=interval_ns, period=check_period(period, 2)
        )
        super().__init__(memory)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of legs, in the order of the columns."""
        return list(combinations(range(len(self.memory.prices)), 2))

    def fold(self, leg: int, ts: Integers, price: Floats) -> CorrelationColumns:
        """Take prices of a leg, above 0, in order of arrival; give the steps that have ended."""
        good = price > 0
        self.memory.left_out += good.size - int(np.count_nonzero(good))
        before = list(self.memory.prices)
        return self._steps(before, take_prices(self.memory, leg, ts[good], price[good]))

    def finish(self) -> CorrelationColumns:
        """Give the steps that still wait, but for the open one: no price is to come."""
        before = list(self.memory.prices)
        return self._steps(before, finish_legs(self.memory))

    def _steps(self, before: list[float | None], standing: Standing) -> CorrelationColumns:
        memory = self.memory
        starts = standing.ts - standing.ts % memory.interval_ns
        ended: list[int] = []
        rows: list[list[float]] = []
        if starts.size:
            if memory.step is not None and starts[0] > memory.step:
                self._close(memory.step, before, ended, rows)
            for at in (np.flatnonzero(np.diff(starts)) + 1).tolist():
                self._close(int(starts[at - 1]), standing.prices[at - 1].tolist(), ended, rows)
            memory.step = int(starts[-1])
        return CorrelationColumns(np.array(ended, np.int64), np.array(rows).reshape(-1, len(self.pairs)))

    def _close(
        self, start: int, prices: list[float | None], ended: list[int], rows: list[list[float]]
    ) -> None:
        memory = self.memory
        logs = [np.nan if one is None else math.log(one) for one in prices]
        if np.isnan(logs).any():
            return
        if memory.logs:
            change = [new - old for new, old in zip(logs, memory.logs, strict=True)]
            memory.returns = (
                *memory.returns[max(len(memory.returns) + 1 - memory.period, 0) :],
                tuple(change),
            )
        memory.logs = tuple(logs)
        if len(memory.returns) == memory.period:
            ended.append(start)
            rows.append(correlations(np.array(memory.returns)))


def correlations(returns: Floats) -> list[float]:
    """Give Pearson's correlation of each pair of columns, in the order of `combinations`; NaN without variance."""
    centred = np.ascontiguousarray((returns - returns.mean(axis=0)).T)
    lengths = [math.sqrt(float((one * one).sum())) for one in centred]
    found = []
    for left, right in combinations(range(len(centred)), 2):
        scale = lengths[left] * lengths[right]
        found.append(float((centred[left] * centred[right]).sum()) / scale if scale > 0 else math.nan)
    return found
