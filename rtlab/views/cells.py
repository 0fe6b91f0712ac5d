"""Scatter: of the points in each cell of a window the first few, which is all that can be told apart there.

A window is cut into columns by edges, and into rows of equal height. Points of one cell cover each other. Most points
are not even looked at: of a bucket whose least and greatest lie in rows that have their points already, none is needed,
and of one that lies in a single row only the first.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from rtlab.compiling import announce, bare_part, kernel
from rtlab.views.m4 import (
    BASE,
    FACTOR,
    GREATEST,
    LEAST,
    NO_GAPS,
    Floats,
    Gaps,
    Levels,
    Places,
    allocate,
    fold,
)


class Grid(NamedTuple):
    """Rows of `height` from `y0` on, `rows` of them; a cell shows `most` points."""

    y0: float
    height: float
    rows: int
    most: int


@bare_part
def _row(value: float, y0: float, height: float, rows: int) -> int:
    """Give the row of a value, from 1 on; 0 below them all, `rows` + 1 above."""
    place = np.floor((value - y0) / height)
    return int(min(max(place, -1.0), float(rows))) + 1


@bare_part
def _bucket(levels: Levels, i: int, end: int) -> tuple[int, int]:
    """Give the level and the size of the largest whole bucket from point `i` on and before `end`; level -1: none."""
    level, size = -1, BASE
    while level + 2 < len(levels.offsets) and i % size == 0 and i + size <= end:
        level, size = level + 1, size * FACTOR
    return level, size // FACTOR


@bare_part
def _is_full(held: Places, first: int, last: int, most: int) -> bool:
    row = first
    while row <= last and held[row] >= most:
        row += 1
    return row > last


@bare_part
def _run(
    y: Floats, levels: Levels, i: int, end: int, grid: Grid, held: Places, picked: Places, k: int
) -> int:
    """Put what is needed of the points [i, end) behind the first `k` of `picked`; give how many there are now."""
    y0, height, rows, most = grid
    while i < end:
        level, size = _bucket(levels, i, end)
        row = 0
        while level >= 0:
            at = levels.offsets[level] + i // size
            row = _row(levels.values[at, LEAST], y0, height, rows)
            last = _row(levels.values[at, GREATEST], y0, height, rows)
            if row == last or _is_full(held, row, last, most):
                break
            level, size = level - 1, size // FACTOR
        if level < 0:
            row, size = _row(y[i], y0, height, rows), 1
        needed = min(size, max(0, most - held[row]))
        for j in range(i, i + needed):
            picked[k] = j
            k += 1
        held[row] += needed
        i += size
    return k


@kernel
def pick(y: Floats, levels: Levels, gaps: Gaps, bounds: Places, grid: Grid, picked: Places) -> int:
    """Put the first `grid.most` points of each cell into `picked`, ascending; give how many these are.

    Column c holds the points bounds[c] to bounds[c + 1]. Those that are nan, or in no row, are left out.
    """
    k = 0
    held = np.zeros(grid.rows + 2, np.int64)
    gap = np.searchsorted(gaps.ends[: gaps.number], bounds[0], side="right")
    for c in range(len(bounds) - 1):
        held[1:-1] = 0
        held[0] = held[-1] = grid.most  # nothing is needed of what is below and above
        i, end = bounds[c], bounds[c + 1]
        while i < end:
            while gap < gaps.number and gaps.ends[gap] <= i:
                gap += 1
            if gap < gaps.number and gaps.starts[gap] <= i:
                i = min(end, gaps.ends[gap])
                continue
            stop = min(end, gaps.starts[gap]) if gap < gaps.number else end
            k = _run(y, levels, i, stop, grid, held, picked, k)
            i = stop
    return k


def marks(y: Floats, levels: Levels, gaps: Gaps, bounds: Places, grid: Grid) -> tuple[Places, int]:
    """Give the points to draw, ascending, and how many there are between the outer bounds that are not nan."""
    compile_all()
    start, end = int(bounds[0]), int(bounds[-1])
    picked = np.empty(min(end - start, (len(bounds) - 1) * grid.rows * grid.most), np.int64)
    k = pick(y, levels, gaps, bounds, grid, picked)
    starts, ends = gaps.starts[: gaps.number], gaps.ends[: gaps.number]
    missing = np.minimum(ends, end) - np.maximum(starts, start)
    return picked[:k], end - start - int(missing[missing > 0].sum())


@cache
def compile_all() -> None:
    """Compile or load the kernel once, and say so where it takes time."""
    with announce("scatter"):
        y, levels = np.arange(4.0 * BASE), allocate(4 * BASE)
        fold(y, levels, 0, len(y))
        bounds, picked = np.array([0, len(y)]), np.empty(16, np.int64)
        pick(y, levels, NO_GAPS, bounds, Grid(0.0, 1.0, 4, 1), picked)
