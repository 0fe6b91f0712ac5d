"""Indicators that smooth exponentially: EMA, RSI and ATR.

Wilder (1978), New Concepts in Technical Trading Systems, for RSI and ATR. As usual a smoothing is seeded with the
plain mean of its first `period` values, and has no row before.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.kernels import smooth
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Floats


class SmoothColumns(NamedTuple):
    """A value for each row that `kept` picks from the batch."""

    kept: NDArray[np.bool_]
    value: Floats


class _Smoothing(Memory, kw_only=True):
    period: int
    seed: tuple[float, ...] = ()
    last: tuple[float, ...] = ()  # of each series that is smoothed


class _Memory(_Smoothing, kw_only=True):
    close: float | None = None


def check_period(period: int, least: int = 1) -> int:
    """Give `period`; ConfigError when it is below `least` or above 100,000, or no whole number."""
    if not isinstance(period, int):  # in `ema("price", 20)` the column stands in its place
        raise ConfigError("a period is no whole number", expected="rows, as ema(20)", got=repr(period))
    if not least <= period <= 100_000:
        raise ConfigError("a period is out of range", expected=f"{least} to 100,000 rows", got=period)
    return period


def smoothed(memory: _Smoothing, values: Floats, alpha: float) -> Floats:
    """Smooth `values` (rows by series); give the rows from the seed on, and remember."""
    width = values.shape[1]
    if not memory.last:
        waiting = np.concatenate([np.array(memory.seed).reshape(-1, width), values])
        if len(waiting) < memory.period:
            memory.seed = tuple(waiting.ravel().tolist())
            return np.empty((0, width))
        first = [sum(column) / memory.period for column in waiting[: memory.period].T.tolist()]
        memory.seed, memory.last = (), tuple(first)
        rest = smoothed(memory, waiting[memory.period :], alpha)
        return np.concatenate([[first], rest])
    out = np.empty_like(values)
    for number, last in enumerate(memory.last):
        out[:, number] = smooth(np.ascontiguousarray(values[:, number]), alpha, last)
    if len(out):
        memory.last = tuple(out[-1].tolist())
    return out


def _with_rows(good: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    kept = np.zeros(good.size, np.bool_)
    kept[np.flatnonzero(good)[good.sum() - count :]] = True
    return kept


class EmaFold(SavedFold[_Smoothing]):
    """Exponential moving average with alpha = 2 / (period + 1). What is not a finite number is left out."""

    KIND, FORM, PARAMETERS = "ema", _Smoothing, ("period",)

    def __init__(self, period: int) -> None:
        super().__init__(_Smoothing(period=check_period(period)))

    def fold(self, value: Floats) -> SmoothColumns:
        """Take values in order; give their average from the period-th on."""
        good = np.isfinite(value)
        self.memory.left_out += good.size - int(good.sum())
        out = smoothed(self.memory, value[good].reshape(-1, 1), 2 / (self.memory.period + 1))
        return SmoothColumns(_with_rows(good, len(out)), out[:, 0].copy())


class RsiFold(SavedFold[_Memory]):
    """Relative strength index, 0 to 100; 50 where nothing ever moved. What is not finite is left out."""

    KIND, FORM, PARAMETERS = "rsi", _Memory, ("period",)

    def __init__(self, period: int) -> None:
        super().__init__(_Memory(period=check_period(period)))

    def fold(self, value: Floats) -> SmoothColumns:
        """Take values in order; give the index from the period-th change on."""
        memory, good = self.memory, np.isfinite(value)
        memory.left_out += good.size - int(good.sum())
        values = value[good]
        if not values.size:
            return SmoothColumns(good, values)
        change = np.diff(values) if memory.close is None else np.diff(values, prepend=memory.close)
        memory.close = float(values[-1])
        both = np.stack([np.maximum(change, 0), np.maximum(-change, 0)], axis=1)
        gain, loss = smoothed(memory, both, 1 / memory.period).T
        moved = gain + loss
        index = np.where(moved > 0, 100 * (gain / np.where(moved > 0, moved, 1)), 50.0)  # never above 100
        return SmoothColumns(_with_rows(good, index.size), index)


class AtrFold(SavedFold[_Memory]):
    """Average true range of bars; the first bar's range is its high less its low. Not finite: left out."""

    KIND, FORM, PARAMETERS = "atr", _Memory, ("period",)

    def __init__(self, period: int) -> None:
        super().__init__(_Memory(period=check_period(period)))

    def fold(self, high: Floats, low: Floats, close: Floats) -> SmoothColumns:
        """Take bars that are final, in order; give the range from the period-th on."""
        memory, good = self.memory, np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
        memory.left_out += good.size - int(good.sum())
        high, low, close = high[good], low[good], close[good]
        if not close.size:
            return SmoothColumns(good, close)
        before = np.concatenate([[np.nan if memory.close is None else memory.close], close[:-1]])
        ranges = np.fmax(np.fmax(high - low, np.abs(high - before)), np.abs(low - before))
        memory.close = float(close[-1])
        out = smoothed(memory, ranges.reshape(-1, 1), 1 / memory.period)
        return SmoothColumns(_with_rows(good, len(out)), out[:, 0].copy())
