"""The points of the bench: a random walk that comes by the clock, the same for every contender."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATE = 50_000
"""New points a second."""
HZ = 30
"""How often they come."""


class Walk:
    """A random walk over time in ms, RATE points a second: `past` points at once, then what has become due.

    x is on the clock of `now` (s): the age of the newest point that is painted is the present less its x.
    """

    def __init__(self, past: int, now: Callable[[], float] = time.time) -> None:
        self._now, self._random = now, np.random.default_rng(3)
        self._began = now()
        self._told, self._last = 0, 0.0
        self.past = self._next(past, 1 - past)

    def due(self) -> tuple[Floats, Floats]:
        """Give x and y of the points that have become due since the last call."""
        count = int((self._now() - self._began) * RATE) - self._told
        points = self._next(count, self._told + 1)
        self._told += count
        return points

    def _next(self, count: int, first: int) -> tuple[Floats, Floats]:
        x = self._began * 1000 + np.arange(first, first + count, dtype=np.float64) * (1000 / RATE)
        y: Floats = self._last + self._random.standard_normal(count).cumsum()
        if count:
            self._last = float(y[-1])
        return x, y
