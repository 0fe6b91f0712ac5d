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
That matters because at 10 million points memory is what takes the time. For the same reason what the next
columns will look at is asked for beforehand.

A y that is nan is a gap: the line ends before it and begins anew behind it. The runs between gaps are drawn
as if they were columns of their own, so that M4 holds for each, and a gap as one nan. Of a column of more
runs than MOST_RUNS the rest is drawn as one run, and such columns are counted: only they are not exact.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.compiling import announce, bare_part, kernel
from rtlab.views.prefetch import prefetch

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_BASE_BITS, _FACTOR_BITS = 6, 3
BASE, FACTOR = 1 << _BASE_BITS, 1 << _FACTOR_BITS
LEAST, GREATEST = 0, 1
_LINE = 8  # numbers of 8 bytes that memory brings together
_AHEAD = 8  # columns; 5 to 12 are as good
_FEW = 2048  # points a column
MOST_RUNS = 16
SOUND, UNORDERED, NOT_FINITE_X, INFINITE_Y = range(4)


class Levels(NamedTuple):
    """The buckets of all levels: `values` and `places` have the columns LEAST and GREATEST."""

    values: Floats
    places: Places
    offsets: Places


class Gaps(NamedTuple):
    """Where y is nan: `number` runs [starts, ends) of points, ascending and never touching each other."""

    starts: Places
    ends: Places
    number: int


NO_GAPS = Gaps(np.empty(0, np.int64), np.empty(0, np.int64), 0)


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
    """Find the first point that may not follow `before`: (its position, what is wrong with it); a y may be nan."""
    for i in range(len(x)):
        if not np.isfinite(x[i]):
            return i, NOT_FINITE_X
        if x[i] < before:
            return i, UNORDERED
        if np.isinf(y[i]):
            return i, INFINITE_Y
        before = x[i]
    return -1, SOUND


@bare_part
def _raise(levels: Levels, first: int, old: int, new: int) -> None:
    values, places, offsets = levels
    size = BASE * FACTOR ** (first - 1)
    for level in range(first, len(offsets) - 1):
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


@kernel
def fold(y: Floats, levels: Levels, old: int, new: int) -> None:
    """Write the buckets that became whole when the count of points rose from `old` to `new`.

    A bucket of gaps alone has its least above its greatest.
    """
    values, places, _ = levels
    for b in range(old // BASE, new // BASE):
        low, high = np.inf, -np.inf
        low_at = high_at = b * BASE
        for i in range(b * BASE, (b + 1) * BASE):
            if y[i] < low:
                low, low_at = y[i], i
            if y[i] > high:
                high, high_at = y[i], i
        values[b, LEAST], places[b, LEAST] = low, low_at
        values[b, GREATEST], places[b, GREATEST] = high, high_at
    _raise(levels, 1, old, new)


@kernel
def fold_above(levels: Levels, first: int, count: int) -> None:
    """Write the whole buckets of level `first` and above from those below, for `count` points."""
    _raise(levels, first, 0, count)


@bare_part
def _find(x: Floats, count: int, edges: Floats, found: Places) -> None:
    """Find for each edge the first i < count with x[i] >= edge, else `count`.

    All searches go in step and without a branch: the processor then waits for the memory of many at once.
    """
    low, high = np.searchsorted(x[:count], edges[0]), np.searchsorted(x[:count], edges[-1])
    found[:] = low
    size = high - low
    while size > 1:
        half = size // 2
        for c in range(len(edges)):
            found[c] += half * (x[found[c] + half - 1] < edges[c])
        size -= half
    if size == 1:
        for c in range(len(edges)):
            found[c] += x[found[c]] < edges[c]


@bare_part
def _lesser(value: float, least: float) -> float:
    return value if value < least else least


@bare_part
def _greater(value: float, greatest: float) -> float:
    return value if value > greatest else greatest


# four at a time, so that none waits for the one before it; a nan is neither less nor greater, and passes
@bare_part
def _range(y: Floats, start: int, end: int) -> tuple[float, float]:
    low0 = low1 = low2 = low3 = np.inf
    high0 = high1 = high2 = high3 = -np.inf
    whole = start + ((end - start) & ~3)
    for i in range(start, whole, 4):
        low0, high0 = _lesser(y[i], low0), _greater(y[i], high0)
        low1, high1 = _lesser(y[i + 1], low1), _greater(y[i + 1], high1)
        low2, high2 = _lesser(y[i + 2], low2), _greater(y[i + 2], high2)
        low3, high3 = _lesser(y[i + 3], low3), _greater(y[i + 3], high3)
    for i in range(whole, end):
        low0, high0 = _lesser(y[i], low0), _greater(y[i], high0)
    low, high = _lesser(low1, low0), _greater(high1, high0)
    return _lesser(_lesser(low3, low2), low), _greater(_greater(high3, high2), high)


class _Found(NamedTuple):
    """The extremes so far: of equals the first. What is added to them lies `before` them all, or behind."""

    low: float
    low_at: int
    high: float
    high_at: int


@bare_part
def _points(y: Floats, start: int, end: int, best: _Found, before: bool) -> _Found:
    """Add the points [start, end)."""
    low, low_at, high, high_at = best
    least, greatest = _range(y, start, end)
    if least < low or (before and least == low < np.inf):
        low, low_at = least, start
        while y[low_at] != least:
            low_at += 1
    if greatest > high or (before and greatest == high > -np.inf):
        high, high_at = greatest, start
        while y[high_at] != greatest:
            high_at += 1
    return _Found(low, low_at, high, high_at)


@bare_part
def _whole(levels: Levels, start: int, end: int, best: _Found, before: bool) -> _Found:
    """Add the buckets [start, end), wherever they lie among all levels."""
    values, places, _ = levels
    low, low_at, high, high_at = best
    low_of = high_of = -1
    for k in range(end - start):
        b = end - 1 - k if before else start + k
        if values[b, LEAST] < low or (before and values[b, LEAST] == low):
            low, low_of = values[b, LEAST], b
        if values[b, GREATEST] > high or (before and values[b, GREATEST] == high):
            high, high_of = values[b, GREATEST], b
    if low_of >= 0:
        low_at = places[low_of, LEAST]
    if high_of >= 0:
        high_at = places[high_of, GREATEST]
    return _Found(low, low_at, high, high_at)


@bare_part
def _split(levels: Levels, at: int, start: int, end: int, best: _Found, before: bool) -> tuple[bool, _Found]:
    """Add what bucket `at` tells of its points [start, end); True if there may be more to add."""
    values, places, _ = levels
    low, low_at, high, high_at = best
    more = False
    if values[at, LEAST] < low or (before and values[at, LEAST] == low):
        if start <= places[at, LEAST] < end:
            low, low_at = values[at, LEAST], places[at, LEAST]
        else:
            more = True
    if values[at, GREATEST] > high or (before and values[at, GREATEST] == high):
        if start <= places[at, GREATEST] < end:
            high, high_at = values[at, GREATEST], places[at, GREATEST]
        else:
            more = True
    return more, _Found(low, low_at, high, high_at)


@bare_part
def _with_left(y: Floats, levels: Levels, start: int, level: int, best: _Found) -> _Found:
    """Add what lies between `start` and the first whole bucket of `level`."""
    offsets = levels.offsets
    bits = _BASE_BITS + _FACTOR_BITS * level
    left = -(-start >> bits)
    while left << bits > start:
        more, best = _split(levels, offsets[level] + left - 1, start, left << bits, best, True)
        if not more:
            break
        if level == 0:
            return _points(y, start, left << bits, best, True)
        level, bits, inner = level - 1, bits - _FACTOR_BITS, left << _FACTOR_BITS
        left = -(-start >> bits)
        best = _whole(levels, offsets[level] + left, offsets[level] + inner, best, True)
    return best


@bare_part
def _with_right(y: Floats, levels: Levels, end: int, count: int, level: int, best: _Found) -> _Found:
    """Add what lies between the last whole bucket of `level` and `end`."""
    offsets = levels.offsets
    bits = _BASE_BITS + _FACTOR_BITS * level
    right = end >> bits
    while right << bits < end:
        if right < count >> bits:
            more, best = _split(levels, offsets[level] + right, right << bits, end, best, False)
            if not more:
                break
        if level == 0:
            return _points(y, right << bits, end, best, False)
        level, bits, inner = level - 1, bits - _FACTOR_BITS, right << _FACTOR_BITS
        right = end >> bits
        best = _whole(levels, offsets[level] + inner, offsets[level] + right, best, False)
    return best


@bare_part
def _extremes(y: Floats, levels: Levels, count: int, start: int, end: int) -> _Found:
    """Find where the least and the greatest of y[start:end] first stand."""
    best = _Found(np.inf, start, -np.inf, start)
    level, bits = -1, _BASE_BITS
    while level + 2 < len(levels.offsets) and -(-start >> bits) < end >> bits:
        level += 1
        bits += _FACTOR_BITS
    if level < 0:
        return _points(y, start, end, best, False)
    bits -= _FACTOR_BITS
    begin = levels.offsets[level]
    best = _whole(levels, begin + -(-start >> bits), begin + (end >> bits), best, False)
    best = _with_left(y, levels, start, level, best)
    return _with_right(y, levels, end, count, level, best)


@kernel
def divide(x0: float, x1: float, width: int) -> Floats:
    """Give the `width` + 1 edges that divide [x0, x1] into equal columns; the last is x1, none is beyond it."""
    edges = np.empty(width + 1)
    for c in range(width):
        edges[c] = min(x0 + (x1 - x0) * c / width, x1)
    edges[width] = x1
    return edges


@bare_part
def _height(x: Floats, y: Floats, at: float) -> float:
    """Where the line through the points crosses `at`; beyond them, where it ends."""
    after = np.searchsorted(x, at, side="right")
    if after == 0:
        return float(y[0])
    before = after - 1
    if after == len(x) or x[before] == at:
        return float(y[before])
    return float((y[after] - y[before]) / (x[after] - x[before]) * (at - x[before]) + y[before])


@bare_part
def _ask_for(y: Floats, levels: Levels, edge: int, points: bool) -> None:
    """Prefetch what `_extremes` probably looks at on both sides of an edge."""
    values, places, offsets = levels
    bucket = edge >> _BASE_BITS
    prefetch(values, bucket)
    prefetch(places, bucket)
    first = bucket >> _FACTOR_BITS << _FACTOR_BITS
    for b in range(first, first + FACTOR, _LINE // 2):
        prefetch(values, b)
    if len(offsets) > 2:
        above = offsets[1] + (bucket >> _FACTOR_BITS)
        prefetch(values, above)
        prefetch(places, above)
    if points:
        for i in range(bucket << _BASE_BITS, (bucket + 1) << _BASE_BITS, _LINE):
            prefetch(y, i)


@bare_part
def _run(
    y: Floats, levels: Levels, count: int, start: int, end: int, picked: Places, k: int
) -> tuple[int, _Found]:
    """Put the M4 indices of [start, end) behind the first `k` of `picked`; give how many there are now."""
    found = _extremes(y, levels, count, start, end)
    previous = -1
    for i in (start, min(found.low_at, found.high_at), max(found.low_at, found.high_at), end - 1):
        if i > previous:
            picked[k] = previous = i
            k += 1
    return k, found


@bare_part
def _pick(
    y: Floats, levels: Levels, count: int, gaps: Gaps, bounds: Places, picked: Places
) -> tuple[int, float, float, int]:
    """Put the M4 indices of the columns into `picked`; give how many, the least and greatest y, columns not exact."""
    # an edge through columns of few points mostly splits the lowest bucket so that its points are looked at
    points = bounds[-1] - bounds[0] < _FEW * len(bounds)
    for c in range(min(_AHEAD, len(bounds))):
        _ask_for(y, levels, bounds[c], points)
    low, high, k, merged = np.inf, -np.inf, 0, 0
    gap = np.searchsorted(gaps.ends[: gaps.number], bounds[0], side="right")
    for c in range(len(bounds) - 1):
        if c + _AHEAD < len(bounds):
            _ask_for(y, levels, bounds[c + _AHEAD], points)
        start, end, runs = bounds[c], bounds[c + 1], 0
        while start < end:
            stop = end
            if gap < gaps.number and gaps.starts[gap] <= start:
                if k == 0 or picked[k - 1] < gaps.starts[gap]:
                    picked[k] = start
                    k += 1
                start = min(end, gaps.ends[gap])
                gap += gaps.ends[gap] <= end
                continue
            if gap < gaps.number and gaps.starts[gap] < end:
                runs += 1
                stop = gaps.starts[gap]
                if runs > MOST_RUNS:
                    merged += 1
                    gap = np.searchsorted(gaps.ends[: gaps.number], end)
                    stop = min(end, gaps.starts[gap]) if gap < gaps.number else end
            k, found = _run(y, levels, count, start, stop, picked, k)
            low, high, start = min(low, found.low), max(high, found.high), stop
    return k, low, high, merged


@kernel
def draw(
    x: Floats, y: Floats, levels: Levels, gaps: Gaps, count: int, edges: Floats, outside: bool
) -> tuple[Places, Floats, Floats, float, float, int]:
    """Give the M4 points of the columns [edges[c], edges[c + 1]): indices (ascending, each once), x and y.

    And the least and the greatest y of the line through them from the first edge to the last, or 0 and 1
    without any, and how many columns are not exact (see above). Reads the first `count` points only; `edges`
    does not decrease. With `outside`, the nearest points before and behind the columns are added; of the range
    they count where the line crosses the sides.

    It is one kernel because, with cold caches, each call from Python costs as much as 30 columns. Points are
    fetched in a loop of their own, where nothing waits for them.
    """
    bounds = np.empty(len(edges), np.int64)
    _find(x, count, edges, bounds)
    inside = np.searchsorted(gaps.starts[: gaps.number], bounds[-1])
    inside -= np.searchsorted(gaps.ends[: gaps.number], bounds[0])
    pieces = len(edges) - 1 + min(inside, (MOST_RUNS + 1) * (len(edges) - 1))
    picked = np.empty(4 * pieces + min(inside, pieces) + 2, np.int64)
    k, low, high, merged = _pick(y, levels, count, gaps, bounds, picked[1:])
    first, end = 1, k + 1
    if outside and bounds[0] > 0:
        first, picked[0] = 0, bounds[0] - 1
    if outside and bounds[-1] < count:
        picked[end] = bounds[-1]
        end += 1
    picked = picked[first:end]
    some_x, some_y = np.empty(len(picked)), np.empty(len(picked))
    for k in range(len(picked)):
        some_x[k], some_y[k] = x[picked[k]], y[picked[k]]
    if len(picked) > 0:
        for edge in (edges[0], edges[-1]):
            height = _height(some_x, some_y, edge)  # nan in a gap, which neither is less nor greater
            low, high = _lesser(height, low), _greater(height, high)
    if low > high:
        low, high = 0.0, 1.0
    return picked, some_x, some_y, low, high, merged


@cache
def compile_all() -> None:
    """Compile or load the kernels once, and say so where it takes time."""
    with announce("level of detail"):
        x = np.arange(4.0 * BASE)
        levels = allocate(len(x))
        first_fault(x, x, x[0])
        fold(x, levels, 0, len(x))
        fold_above(levels, 1, len(x))
        draw(x, x, levels, NO_GAPS, len(x), divide(0.0, 3.0, 3), outside=True)
