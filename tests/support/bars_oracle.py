"""Bars of bars the plain way: a loop over all of them."""

import numpy as np
from support.random_market import NOON, SECOND


def joined(rows: np.ndarray, interval: int) -> np.ndarray:
    made: dict[int, list[int]] = {}
    for start, first, high, low, last, volume in rows.tolist():
        at = start - start % interval
        if at not in made:
            made[at] = [at, first, high, low, last, volume]
        else:
            bar = made[at]
            bar[2], bar[3], bar[4] = max(bar[2], high), min(bar[3], low), last
            bar[5] += volume
    return np.array(list(made.values()), np.int64).reshape(-1, 6)


def random_bars(count: int, *, seed: int = 3, holes: bool = False) -> np.ndarray:
    random = np.random.default_rng(seed)
    steps = random.integers(1, 4, count) ** 3 if holes else np.ones(count, np.int64)
    starts = NOON + SECOND * np.cumsum(steps)
    prices = 600_000 + random.integers(-50, 50, (count, 4)).cumsum(axis=0)
    low, high = prices.min(axis=1), prices.max(axis=1)
    return np.column_stack([starts, prices[:, 0], high, low, prices[:, 1], random.integers(0, 9_999, count)])
