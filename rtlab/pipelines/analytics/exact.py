"""Sums that come out equal however the rows are cut into batches: whole numbers, wider than int64 if need be."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[Any]
"""int64, or Python integers (dtype object) where int64 would overflow."""

LIMIT = 2**63


def _greatest(values: Whole) -> int:
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def widen(values: Whole, times: int = 1, plus: int = 0) -> Whole:
    """Give `values` in a type that holds `times` the greatest of them and `plus`, exactly."""
    return values if _greatest(values) * times + abs(plus) < LIMIT else values.astype(object)


def product(left: Whole, right: Whole) -> Whole:
    """Multiply element by element, exactly."""
    wide: Whole = widen(left, max(_greatest(right), 1)) * right
    return wide


def sums(values: Whole, heads: NDArray[np.intp]) -> list[int]:
    """Sum the groups of rows that begin at `heads`, exactly; give Python integers."""
    return [int(total) for total in np.add.reduceat(widen(values, values.size), heads)]


def running(values: Whole, begins: NDArray[np.bool_], carry: int) -> Whole:
    """Give the running sum at each row: it begins again where `begins`, before that it goes on from `carry`."""
    wide = widen(values, 2 * values.size, 2 * carry)
    total: Whole = np.cumsum(wide)
    group = np.cumsum(begins)
    if not begins.any():
        return total + carry
    heads = np.flatnonzero(begins)
    before = np.concatenate([[-carry], total[heads] - wide[heads]]).astype(total.dtype)
    since: Whole = total - before[group]
    return since
