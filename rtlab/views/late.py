"""Points that come late: where they belong among those that are there."""

from collections import deque
from typing import NamedTuple

import numpy as np

from rtlab.views import gaps, m4
from rtlab.views.column import Column, Held
from rtlab.views.m4 import Floats

_REMEMBERED = 256


class Sorted(NamedTuple):
    """Points in order, to be written from point `start` on, in place of those that stand there.

    `late` of them came behind a greater x, and `refused` others came too late.
    """

    x: Floats
    y: list[Floats]
    start: int
    late: int
    refused: int


def put_in_order(held: Held, x: Floats, y: list[Floats], most: float) -> Sorted:
    """Sort new points among those held; one whose x is more than `most` below a greatest before it is refused.

    Of equal x the one that came first stays first. How points are shared out to appends makes no difference.
    """
    n = held.points
    newest = float(held.x[n - 1]) if n else -np.inf
    greatest = np.maximum.accumulate(np.concatenate([[newest], x]))[:-1]
    is_kept = x >= greatest - most
    late = int(np.count_nonzero(is_kept & (x < greatest)))
    refused = len(x) - int(np.count_nonzero(is_kept))
    x, y = x[is_kept], [values[is_kept] for values in y]
    start = int(np.searchsorted(held.x[:n], x.min(), side="right")) if len(x) else n
    x = np.concatenate([held.x[start:n], x])
    order = np.argsort(x, kind="stable")
    columns = zip(held.columns, y, strict=True)
    y = [np.concatenate([column.y[start:n], values])[order] for column, values in columns]
    return Sorted(x[order], y, start, late, refused)


def cut(column: Column, points: int) -> Column:
    """Give a column that can be written anew from point `points` on; its gaps are its own."""
    number = int(np.searchsorted(column.gaps.starts[: column.gaps.number], points))
    if not number:
        return column._replace(gaps=m4.NO_GAPS)
    starts, ends = column.gaps.starts[:number].copy(), column.gaps.ends[:number].copy()
    ends[-1] = min(int(ends[-1]), points)
    return column._replace(gaps=gaps.with_room(m4.Gaps(starts, ends, number), number + 1))


class Touched:
    """From which x on a series was written anew; of the last changes only."""

    def __init__(self) -> None:
        self._changes: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)
        self._forgotten = -1

    def add(self, total: int, x: float) -> None:
        """Note that what stands from x on changed when there came to be `total` points."""
        if len(self._changes) == _REMEMBERED:
            self._forgotten = self._changes[0][0]
        self._changes.append((total, x))

    def since(self, total: int) -> float:
        """Give the least x that changed since there were `total` points; -inf where that is not known any more."""
        if total < self._forgotten:
            return -np.inf
        return min((x for then, x in tuple(self._changes) if then > total), default=np.inf)
