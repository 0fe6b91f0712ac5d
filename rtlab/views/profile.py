"""Volume at price: how much was traded at each price, bought and sold apart, in a bounded number of rows."""

from collections.abc import Iterator
from itertools import count
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rtlab.errors import ConfigError
from rtlab.pipelines.frame import Integers

MOST_ROWS = 4096


class Rows(NamedTuple):
    """Volume in rows of `step` ticks from price `first` (ticks) upwards, of so many `trades`.

    `lots[i]` are what was bought and what was sold, by the side of the taker, from `first + i * step` on.
    """

    first: int
    step: int
    lots: Integers
    trades: int

    @property
    def control(self) -> int | None:
        """The row with the most volume (the point of control), the lowest of equal ones; None without rows."""
        return int(self.lots.sum(axis=1).argmax()) if len(self.lots) else None


class Profile:
    """Folds trades into the volume of each price. Any thread may add.

    A row is one tick high, until there would be more than `most`: then neighbours merge two by two. Sums stay exact.
    """

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.most, self.trades = _checked(most), 0
        self._first, self._step = 0, 1  # row i holds the ticks from (first + i) * step on
        self._lots = np.zeros((0, 2), np.int64)
        self._lock = Lock()

    def add(self, ticks: ArrayLike, lots: ArrayLike, sides: ArrayLike) -> None:
        """Add trades: prices, quantities and the sides that took."""
        prices = np.asarray(ticks, dtype=np.int64)
        if not prices.size:
            return
        with self._lock:
            self._make_room(int(prices.min()), int(prices.max()))
            at = prices // self._step - self._first, np.asarray(sides, dtype=np.int64)
            np.add.at(self._lots, at, np.asarray(lots, dtype=np.int64))
            self.trades += prices.size

    def rows(self, most: int) -> Rows:
        """Give what was traded from the lowest price to the highest, in at most `most` rows of 1, 2, 5, 10 … of ours.

        Rows begin at multiples of their height.
        """
        _checked(most)
        with self._lock:
            first, step, lots, trades = self._first, self._step, self._lots.copy(), self.trades
        traded = np.flatnonzero(lots.any(axis=1))
        if not traded.size:
            return Rows(0, step, lots[:0], trades)
        low, high = first + int(traded[0]), first + int(traded[-1])
        by = next(by for by in _heights() if high // by - low // by < most)
        row, lots = merged(low, lots[traded[0] : traded[-1] + 1], by)
        return Rows(row * by * step, by * step, lots, trades)

    def _make_room(self, low: int, high: int) -> None:
        while True:
            first, end = low // self._step, high // self._step + 1
            if held := len(self._lots):
                first, end = min(first, self._first), max(end, self._first + held)
            if end - first <= self.most:
                break
            self._first, self._lots = merged(self._first, self._lots, 2)
            self._step *= 2
        before = self._first - first if held else 0
        self._lots = np.pad(self._lots, ((before, end - first - before - held), (0, 0)))
        self._first = first

    def __repr__(self) -> str:
        bought, sold = self._lots.sum(axis=0).tolist()
        return f"Profile(trades={self.trades}, bought={bought}, sold={sold}, step={self._step})"


def merged(first: int, lots: Integers, by: int) -> tuple[int, Integers]:
    """Give `lots` with rows `by` times as high, that begin at multiples of that, and the number of the first."""
    before, after = first % by, -(first + len(lots)) % by
    wide = np.pad(lots, ((before, after), (0, 0)))
    return first // by, wide.reshape(-1, by, 2).sum(axis=1)


def _heights() -> Iterator[int]:
    return (digit * 10**power for power in count() for digit in (1, 2, 5))


def _checked(most: int) -> int:
    if most < 2:  # at a multiple of every height one row is not enough
        raise ConfigError("a profile needs rows", expected="at least 2", got=most)
    return most
