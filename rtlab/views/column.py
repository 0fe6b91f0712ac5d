"""One value column of a pyramid, and how its arrays grow and lose what is too old, a little with each append."""

from typing import NamedTuple

import numpy as np

from rtlab.views import gaps, m4

SMALLEST = 1 << 16
STEP = m4.BASE * m4.FACTOR**2
"""Points are given up in whole multiples of this: then the lower levels can be copied as they are."""
_COPIED_LEVELS = 3


class Column(NamedTuple):
    """The values of all points, the buckets over them, and where there is none."""

    y: m4.Floats
    levels: m4.Levels
    gaps: m4.Gaps = m4.NO_GAPS


class Held(NamedTuple):
    """All that a pyramid holds at one moment."""

    x: m4.Floats
    columns: tuple[Column, ...]
    points: int


def allocate(capacity: int, columns: int) -> Held:
    """Make room for so many points."""
    # np.empty: pages that no point has reached yet cost no memory
    made = tuple(Column(np.empty(capacity), m4.allocate(capacity)) for _ in range(columns))
    return Held(np.empty(capacity), made, 0)


class Move:
    """Larger arrays, without the first `start` points, filled a little with each append: none waits for all."""

    def __init__(self, held: Held, needed: int, start: int = 0) -> None:
        self.start = start // STEP * STEP
        capacity = SMALLEST if self.start else max(SMALLEST, len(held.x))
        while capacity < needed - self.start:
            capacity *= 2
        self.capacity = capacity
        self._to, self._copied = allocate(capacity, len(held.columns)), self.start

    def advance(self, held: Held, count: int) -> bool:
        """Copy the next `count` points; True when there are no more to copy."""
        end = min(held.points, self._copied + count)
        old, new = slice(self._copied, end), slice(self._copied - self.start, end - self.start)
        self._to.x[new] = held.x[old]
        for to, column in zip(self._to.columns, held.columns, strict=True):
            to.y[new] = column.y[old]
        self._copied = end
        return end == held.points

    def again_from(self, point: int) -> None:
        """Copy once more what stands from `point` on: it was written anew."""
        self._copied = max(self.start, min(self._copied, point))

    def finish(self, held: Held) -> Held:
        """Copy the rest, and the levels."""
        self.advance(held, held.points)
        pairs = zip(self._to.columns, held.columns, strict=True)
        columns = tuple(self._with_levels(to, column, held.points) for to, column in pairs)
        return Held(self._to.x, columns, held.points - self.start)

    def _with_levels(self, to: Column, column: Column, points: int) -> Column:
        size, old, new = m4.BASE, column.levels, to.levels
        # a level that the old capacity had no bucket of has none that is whole yet
        pairs = list(zip(old.offsets[:-1], new.offsets[:-1], strict=False))
        for old_at, new_at in pairs[: _COPIED_LEVELS if self.start else None]:
            first, end = self.start // size, points // size
            to_rows, rows = slice(new_at, new_at + end - first), slice(old_at + first, old_at + end)
            new.values[to_rows] = old.values[rows]
            new.places[to_rows] = old.places[rows] - self.start
            size *= m4.FACTOR
        if self.start:
            m4.fold_above(new, _COPIED_LEVELS, points - self.start)
        return to._replace(gaps=gaps.moved(column.gaps, self.start) if self.start else column.gaps)
