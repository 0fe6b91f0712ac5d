"""Kernels of the level of detail: fold points into buckets, find column edges, pick the M4 points.

A bucket of level k holds the least (column LEAST) and the greatest (GREATEST) of BASE * FACTOR**k
points, and where each first stands. All levels lie one behind the other; `offsets[k]` is where level k
begins. A bucket is written once, when its last point has come, and never again: who reads the first
`count` points may do so while others are appended.

M4 of a column are its first, its least, its greatest and its last point: a line through these four
covers the same pixels as a line through all (Jugel et al., "M4: a visualization-oriented time series
data aggregation", VLDB 2014).

The least and the greatest of a column come from the whole buckets of the highest level that has any in it.
What sticks out to the left lies in one more bucket: where that one has nothing better, or its best lies
within the column, all of it is settled by one look; else down a level, for what sticks out there. The same
to the right. Only where even the lowest bucket is split by the edge at a bad place are points looked at.
That matters because at 10 million points memory is what takes the time.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtlab.compiling import announce, kernel, part

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_BASE_BITS, _FACTOR_BITS = 6, 3
BASE, FACTOR = 1 << _BASE_BITS, 1 << _FACTOR_BITS
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


class _Found(NamedTuple):
    low: float
    low_at: int
    high: float
    high_at: int


@part
def _both(one: _Found, other: _Found) -> _Found:
    """Give the extremes of what lies before and what lies behind; of equals the first."""
    lower, higher = one.low <= other.low, one.high >= other.high
    return _Found(
        one.low if lower else other.low,
        one.low_at if lower else other.low_at,
        one.high if higher else other.high,
        one.high_at if higher else other.high_at,
    )


@part
def _in_points(y: Floats, start: int, end: int) -> _Found:
    low, high = _range(y, start, end)
    low_at = high_at = start
    while y[low_at] != low:
        low_at += 1
    while y[high_at] != high:
        high_at += 1
    return _Found(low, low_at, high, high_at)


@part
def _in_buckets(levels: Levels, level: int, start: int, end: int) -> _Found:
    values, places, offsets = levels
    low, high, low_of, high_of = np.inf, -np.inf, 0, 0
    for b in range(offsets[level] + start, offsets[level] + end):
        lower, higher = values[b, LEAST] < low, values[b, GREATEST] > high
        low, low_of = values[b, LEAST] if lower else low, b if lower else low_of
        high, high_of = values[b, GREATEST] if higher else high, b if higher else high_of
    return _Found(low, places[low_of, LEAST], high, places[high_of, GREATEST])


@part
def _in_split(levels: Levels, at: int, start: int, end: int) -> _Found:
    """Give the extremes of bucket `at` as far as they stand between `start` and `end`."""
    low_at, high_at = levels.places[at, LEAST], levels.places[at, GREATEST]
    low = levels.values[at, LEAST] if start <= low_at < end else np.inf
    high = levels.values[at, GREATEST] if start <= high_at < end else -np.inf
    return _Found(low, low_at, high, high_at)


@part
def _with_left(y: Floats, levels: Levels, start: int, level: int, best: _Found) -> _Found:
    """Add what lies between `start` and the first whole bucket of `level`."""
    values, places, offsets = levels
    bits = _BASE_BITS + _FACTOR_BITS * level
    left = -(-start >> bits)
    while left << bits > start:
        at = offsets[level] + left - 1
        best = _both(_in_split(levels, at, start, left << bits), best)
        low_is_settled = values[at, LEAST] > best.low or places[at, LEAST] == best.low_at
        if low_is_settled and (values[at, GREATEST] < best.high or places[at, GREATEST] == best.high_at):
            break
        if level == 0:
            return _both(_in_points(y, start, left << bits), best)
        level, bits, inner = level - 1, bits - _FACTOR_BITS, left << _FACTOR_BITS
        left = -(-start >> bits)
        best = _both(_in_buckets(levels, level, left, inner), best)
    return best


@part
def _with_right(y: Floats, levels: Levels, end: int, count: int, level: int, best: _Found) -> _Found:
    """Add what lies between the last whole bucket of `level` and `end`; of equals what came before is kept."""
    bits = _BASE_BITS + _FACTOR_BITS * level
    right = end >> bits
    while right << bits < end:
        if right < count >> bits:
            at = levels.offsets[level] + right
            best = _both(best, _in_split(levels, at, right << bits, end))
            if levels.values[at, LEAST] >= best.low and levels.values[at, GREATEST] <= best.high:
                break
        if level == 0:
            return _both(best, _in_points(y, right << bits, end))
        level, bits, inner = level - 1, bits - _FACTOR_BITS, right << _FACTOR_BITS
        right = end >> bits
        best = _both(best, _in_buckets(levels, level, inner, right))
    return best


@part
def _extremes(y: Floats, levels: Levels, count: int, start: int, end: int) -> _Found:
    """Find where the least and the greatest of y[start:end] first stand."""
    level, bits = -1, _BASE_BITS
    while level + 2 < len(levels.offsets) and -(-start >> bits) < end >> bits:
        level += 1
        bits += _FACTOR_BITS
    if level < 0:
        return _in_points(y, start, end)
    bits -= _FACTOR_BITS
    best = _in_buckets(levels, level, -(-start >> bits), end >> bits)
    best = _with_left(y, levels, start, level, best)
    return _with_right(y, levels, end, count, level, best)


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
        _, low_at, _, high_at = _extremes(y, levels, count, start, end)
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
