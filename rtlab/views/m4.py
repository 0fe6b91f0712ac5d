"""Kernels of the level of detail: fold points into buckets, find column edges, pick the M4 points.

A bucket of level k holds the least (column LEAST) and the greatest (GREATEST) of BASE * FACTOR**k
points, and where each first stands. All levels lie one behind the other; `offsets[k]` is where level k
begins. A bucket is written once, when its last point has come, and never again: who reads the first
`count` points may do so while others are appended.

M4 of a column are its first, its least, its greatest and its last point: a line through these four
covers the same pixels as a line through all (Jugel et al., "M4: a visualization-oriented time series
data aggregation", VLDB 2014).

The least of a column comes from the whole buckets of the highest level that has any in it. What sticks
out to the left lies in one more bucket: where that one has nothing better, or its best lies within the
column, all of it is settled by one look; else down a level, for what sticks out there. The same to the
right. Only where even the lowest bucket is split by the edge at a bad place are points looked at. That
matters because at 10 million points memory is what takes the time.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtlab.compiling import announce, kernel, part

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

BASE = 64
FACTOR = 8
LEAST, GREATEST = 0, 1
SOUND, UNORDERED, NOT_FINITE_X, NOT_FINITE_Y = range(4)


class Levels(NamedTuple):
    """The buckets of all levels: `values` and `places` have the columns LEAST and GREATEST."""

    values: Floats
    places: Places
    offsets: Places


def allocate(capacity: int) -> Levels:
    """Make room for the buckets of `capacity` points."""
    sizes, size = [], BASE
    while capacity >= size:
        sizes.append(capacity // size)
        size *= FACTOR
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    # np.empty: pages that no bucket has reached yet cost no memory
    return Levels(np.empty((sum(sizes), 2)), np.empty((sum(sizes), 2), np.int64), offsets)


@kernel
def first_fault(x: Floats, y: Floats, before: float) -> tuple[int, int]:
    """Find the first point that may not follow `before`: (its position, what is wrong with it)."""
    for i in range(len(x)):
        if not np.isfinite(x[i]):
            return i, NOT_FINITE_X
        if x[i] < before:
            return i, UNORDERED
        if not np.isfinite(y[i]):
            return i, NOT_FINITE_Y
        before = x[i]
    return -1, SOUND


@kernel
def fold(y: Floats, levels: Levels, old: int, new: int) -> None:
    """Write the buckets that became whole when the count of points rose from `old` to `new`."""
    values, places, offsets = levels
    for b in range(old // BASE, new // BASE):
        low_at = high_at = b * BASE
        for i in range(b * BASE + 1, (b + 1) * BASE):
            if y[i] < y[low_at]:
                low_at = i
            if y[i] > y[high_at]:
                high_at = i
        values[b, LEAST], places[b, LEAST] = y[low_at], low_at
        values[b, GREATEST], places[b, GREATEST] = y[high_at], high_at
    size = BASE
    for level in range(1, len(offsets) - 1):
        size *= FACTOR
        for b in range(old // size, new // size):
            low_of = high_of = offsets[level - 1] + b * FACTOR
            for c in range(low_of + 1, low_of + FACTOR):
                if values[c, LEAST] < values[low_of, LEAST]:
                    low_of = c
                if values[c, GREATEST] > values[high_of, GREATEST]:
                    high_of = c
            at = offsets[level] + b
            values[at, LEAST], places[at, LEAST] = values[low_of, LEAST], places[low_of, LEAST]
            values[at, GREATEST], places[at, GREATEST] = values[high_of, GREATEST], places[high_of, GREATEST]


@part
def _find(x: Floats, count: int, edges: Floats) -> Places:
    """Find for each edge the first i < count with x[i] >= edge, else `count`.

    All searches go in step and without a branch: the processor then waits for the memory of many at once.
    """
    low, high = np.searchsorted(x[:count], edges[0]), np.searchsorted(x[:count], edges[-1])
    found = np.full(len(edges), low)
    size = high - low
    while size > 1:
        half = size // 2
        for c in range(len(edges)):
            found[c] += half * (x[found[c] + half - 1] < edges[c])
        size -= half
    if size == 1:
        for c in range(len(edges)):
            found[c] += x[found[c]] < edges[c]
    return found


# All y are finite and the least of them is the same in any order: that lets LLVM compare several at once.
@njit(nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _range(y: Floats, start: int, end: int) -> tuple[float, float]:
    low = high = y[start]
    for i in range(start + 1, end):
        low, high = min(low, y[i]), max(high, y[i])
    return low, high


@part
def _look_at_all(y: Floats, start: int, end: int) -> tuple[int, int]:
    low, high = _range(y, start, end)
    low_at = high_at = start
    while y[low_at] != low:
        low_at += 1
    while y[high_at] != high:
        high_at += 1
    return low_at, high_at


@part
def _best_point(y: Floats, sign: float, start: int, end: int) -> tuple[float, int]:
    best, place = np.inf, -1
    for i in range(start, end):
        value = sign * y[i]
        better = value < best
        best, place = value if better else best, i if better else place
    return best, place


@part
def _best_bucket(levels: Levels, of: int, sign: float, start: int, end: int) -> tuple[float, int]:
    best, at = np.inf, -1
    for b in range(start, end):
        value = sign * levels.values[b, of]
        better = value < best
        best, at = value if better else best, b if better else at
    return best, levels.places[at, of] if at >= 0 else -1


@part
def _settle_left(
    y: Floats, levels: Levels, of: int, sign: float, start: int, level: int, best: float, place: int
) -> tuple[float, int]:
    size = BASE * FACTOR**level
    left = (start + size - 1) // size
    while left * size > start:
        at = levels.offsets[level] + left - 1
        value, found = sign * levels.values[at, of], levels.places[at, of]
        if value > best:
            break
        if found >= start:
            return value, found
        if level == 0:
            value, found = _best_point(y, sign, start, left * size)
            return (value, found) if value <= best else (best, place)
        level, size, inner = level - 1, size // FACTOR, left * FACTOR
        left = (start + size - 1) // size
        value, found = _best_bucket(
            levels, of, sign, levels.offsets[level] + left, levels.offsets[level] + inner
        )
        if value <= best:
            best, place = value, found
    return best, place


@part
def _settle_right(
    y: Floats, levels: Levels, of: int, sign: float, end: int, count: int, level: int, best: float, place: int
) -> int:
    size = BASE * FACTOR**level
    right = end // size
    while right * size < end:
        if right < count // size:
            at = levels.offsets[level] + right
            value, found = sign * levels.values[at, of], levels.places[at, of]
            if value >= best:
                break
            if found < end:
                return int(found)
        if level == 0:
            value, found = _best_point(y, sign, right * size, end)
            return found if value < best else place
        level, size, inner = level - 1, size // FACTOR, right * FACTOR
        right = end // size
        value, found = _best_bucket(
            levels, of, sign, levels.offsets[level] + inner, levels.offsets[level] + right
        )
        if value < best:
            best, place = value, found
    return place


@part
def _extreme(y: Floats, levels: Levels, of: int, count: int, start: int, end: int, level: int) -> int:
    """Where the least or greatest of y[start:end] first stands; `level` is the highest with a bucket in it."""
    sign = 1.0 if of == LEAST else -1.0
    size = BASE * FACTOR**level
    at = levels.offsets[level]
    best, place = _best_bucket(levels, of, sign, at + (start + size - 1) // size, at + end // size)
    best, place = _settle_left(y, levels, of, sign, start, level, best, place)
    return _settle_right(y, levels, of, sign, end, count, level, best, place)


@part
def _highest(offsets: Places, start: int, end: int) -> int:
    level, size = -1, BASE
    while level + 2 < len(offsets) and (start + size - 1) // size < end // size:
        level += 1
        size *= FACTOR
    return level


@kernel
def pick(
    x: Floats, y: Floats, levels: Levels, count: int, edges: Floats, picked: Places
) -> tuple[int, int, int]:
    """Put the M4 indices of the columns [edges[c], edges[c + 1]) into `picked`, ascending, each once.

    Reads the first `count` points only. `edges` does not decrease, `picked` has room for four indices a
    column. Gives (how many were put, the first index within the columns, the first index behind them).
    """
    bounds = _find(x, count, edges)
    k = 0
    for c in range(len(edges) - 1):
        start, end = bounds[c], bounds[c + 1]
        if start == end:
            continue
        level = _highest(levels.offsets, start, end)
        if level < 0:
            low_at, high_at = _look_at_all(y, start, end)
        else:
            low_at = _extreme(y, levels, LEAST, count, start, end, level)
            high_at = _extreme(y, levels, GREATEST, count, start, end, level)
        previous = -1
        for i in (start, min(low_at, high_at), max(low_at, high_at), end - 1):
            if i > previous:
                picked[k] = previous = i
                k += 1
    return k, bounds[0], bounds[-1]


@kernel
def divide(x0: float, x1: float, width: int) -> Floats:
    """Give the `width` + 1 edges that divide [x0, x1] into equal columns; the last is x1, none is beyond it."""
    edges = np.empty(width + 1)
    for c in range(width):
        edges[c] = min(x0 + (x1 - x0) * c / width, x1)
    edges[width] = x1
    return edges


@part
def _height(x: Floats, y: Floats, at: float) -> float:
    """Where the line through the points crosses `at`; beyond them, where it ends."""
    after = np.searchsorted(x, at, side="right")
    if after == 0:
        return float(y[0])
    before = after - 1
    if after == len(x) or x[before] == at:
        return float(y[before])
    return float((y[after] - y[before]) / (x[after] - x[before]) * (at - x[before]) + y[before])


@kernel
def gather(x: Floats, y: Floats, picked: Places, x0: float, x1: float) -> tuple[Floats, Floats, float, float]:
    """Give the picked points and the range of the line through them between x0 and x1 (0 to 1 without any)."""
    n = len(picked)
    some_x, some_y = np.empty(n), np.empty(n)
    for k in range(n):
        some_x[k], some_y[k] = x[picked[k]], y[picked[k]]
    if n == 0:
        return some_x, some_y, 0.0, 1.0
    left, right = _height(some_x, some_y, x0), _height(some_x, some_y, x1)
    low, high = min(left, right), max(left, right)
    for k in range(n):
        if x0 <= some_x[k] < x1:
            low, high = min(low, some_y[k]), max(high, some_y[k])
    return some_x, some_y, low, high


@cache
def compile_all() -> None:
    """Compile or load the kernels once, and say so where it takes time."""
    with announce("level of detail"):
        x = np.arange(4.0 * BASE)
        levels = allocate(len(x))
        first_fault(x, x, x[0])
        fold(x, levels, 0, len(x))
        picked = np.empty(4 * BASE, np.int64)
        pick(x, x, levels, len(x), divide(0.0, 3.0, 3), picked)
        gather(x, x, picked[:0], 0.0, 1.0)
