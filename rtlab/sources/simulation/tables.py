"""Distributions as tables of integer quantiles: made once, the same on every machine."""

import math
from collections.abc import Iterable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rtlab.sources.simulation.layout import ONE, REGIMES, TABLE_BITS

Table = NDArray[np.int64]

_COUNT = 1 << TABLE_BITS
_MIDDLES = [(index + 0.5) / _COUNT for index in range(_COUNT)]


def normal() -> Table:
    """Give a standard normal in 1/4096."""
    inverse = NormalDist().inv_cdf
    return _table(inverse(p) * 4096 for p in _MIDDLES)


def wait(rate: float) -> Table:
    """Give exponential waits in 1/256 ns, `rate` a second on average."""
    raw = [-math.log(1 - p) for p in _MIDDLES]
    scale = 256e9 / rate * _COUNT / sum(raw)
    return _table(max(1.0, wait * scale) for wait in raw)


def paces() -> Table:
    """Give the factor of the wait by regime, in 1/ONE; 1 on average over the regimes as often as they occur."""
    weights = [math.comb(REGIMES, regime) / 2**REGIMES for regime in range(REGIMES + 1)]
    raw = [2 ** ((REGIMES // 2 - regime) / 5) for regime in range(REGIMES + 1)]
    mean = sum(weight * factor for weight, factor in zip(weights, raw, strict=True))
    return _table(factor / mean * ONE for factor in raw)


def swings() -> Table:
    """Give the factor of the volatility by the sum of its regimes, in 1/ONE; 1 in the middle."""
    return _table(2 ** (min(total - REGIMES, 9) / 3) * ONE for total in range(2 * REGIMES + 1))


def away() -> Table:
    """Give the ticks behind the best place: often 0, mostly few, rarely up to 120."""
    return _table(min(120.0, math.floor(1.6 * ((1 - p) ** -0.9 - 1))) for p in _MIDDLES)


def sizes() -> Table:
    """Give lots with a heavy tail, round ones more often."""
    return _table(_size(index, p) for index, p in enumerate(_MIDDLES))


def runs() -> Table:
    """Give the pieces of an order that is worked: mostly few, at most 200."""
    return _table(min(200.0, (1 - p) ** (-1 / 1.5)) for p in _MIDDLES)


def jumps() -> Table:
    """Give jumps in 1/ONE tick, 4 to 40 ticks up or down."""
    return _table((-1) ** index * min(40.0, 4 * (1 - p) ** -0.4) * ONE for index, p in enumerate(_MIDDLES))


def _size(index: int, p: float) -> float:
    lots = min(50_000.0, math.exp(4.6 + 1.1 * NormalDist().inv_cdf(p)))
    for step in (1000, 500, 100, 50, 10):
        if index % 5 < 3 and lots >= 2 * step:
            return round(lots / step) * step
    return max(1.0, lots)


def _table(values: Iterable[float]) -> Table:
    return np.array([round(value) for value in values], np.int64)
