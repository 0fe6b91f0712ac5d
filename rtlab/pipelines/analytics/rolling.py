"""Windows of the last rows: Bollinger bands, and values that do not fit what came before them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.kernels import moments
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.analytics.smoothing import check_period
from rtlab.pipelines.frame import Floats


class RollingColumns(NamedTuple):
    """Mean and population deviation for each row that `kept` picks from the batch, and that row's value."""

    kept: NDArray[np.bool_]
    value: Floats
    mean: Floats
    deviation: Floats

    @property
    def score(self) -> Floats:
        """The value's distance from the mean in deviations; infinite where nothing had deviated before."""
        distance = self.value - self.mean
        flat = self.deviation == 0
        return np.where(
            flat & (distance != 0),
            np.copysign(np.inf, distance),
            distance / np.where(flat, 1, self.deviation),
        )


class _Memory(Memory, kw_only=True):
    period: int
    tail: tuple[float, ...] = ()


class _AnomalyMemory(_Memory, kw_only=True):
    threshold: float


class BollingerFold(SavedFold[_Memory]):
    """Mean and deviation of the last `period` values, the row's own with them. Not finite: left out."""

    KIND, FORM, PARAMETERS = "bollinger", _Memory, ("period",)

    def __init__(self, period: int) -> None:
        super().__init__(_Memory(period=check_period(period, 2)))

    def fold(self, value: Floats) -> RollingColumns:
        """Take values in order; give the bands' mean and deviation from the period-th on."""
        memory, good = self.memory, np.isfinite(value)
        memory.left_out += good.size - int(good.sum())
        every = np.concatenate([np.array(memory.tail, np.float64), value[good]])
        mean, deviation = moments(every, memory.period)
        memory.tail = tuple(every[max(every.size - memory.period + 1, 0) :].tolist())
        kept = np.zeros(good.size, np.bool_)
        kept[np.flatnonzero(good)[int(good.sum()) - mean.size :]] = True
        return RollingColumns(kept, value[kept], mean, deviation)


class AnomalyFold(SavedFold[_AnomalyMemory]):
    """Picks values at least `threshold` deviations from the mean of the `period` values before them.

    Each value counts for those after it, whether it was picked or not. Not finite: left out.
    """

    KIND, FORM, PARAMETERS = "anomalies", _AnomalyMemory, ("period", "threshold")

    def __init__(self, period: int, threshold: float) -> None:
        if not threshold > 0:
            raise ConfigError("a threshold is out of range", expected="above 0", got=threshold)
        super().__init__(_AnomalyMemory(period=check_period(period, 2), threshold=threshold))

    def fold(self, value: Floats) -> RollingColumns:
        """Take values in order; give those that do not fit, with what they were held against."""
        memory, good = self.memory, np.isfinite(value)
        memory.left_out += good.size - int(good.sum())
        every = np.concatenate([np.array(memory.tail, np.float64), value[good]])
        mean, deviation = moments(every[:-1], memory.period)
        memory.tail = tuple(every[max(every.size - memory.period, 0) :].tolist())
        kept = np.zeros(good.size, np.bool_)
        kept[np.flatnonzero(good)[int(good.sum()) - mean.size :]] = True
        judged = RollingColumns(kept, value[kept], mean, deviation)
        odd = np.abs(judged.score) >= memory.threshold
        kept[np.flatnonzero(kept)[~odd]] = False
        return RollingColumns(kept, judged.value[odd], mean[odd], deviation[odd])
