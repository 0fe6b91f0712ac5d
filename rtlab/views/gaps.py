"""Where a series has no value: runs of nan, kept beside it so that a drawing knows where its line breaks."""

import numpy as np

from rtlab.views import m4
from rtlab.views.m4 import Floats, Gaps, Places

_FEWEST = 16


def added(gaps: Gaps, y: Floats, at: int) -> Gaps:
    """Give `gaps` with those of `y`, whose first value is point `at`; who holds `gaps` sees nothing of it."""
    starts, ends = runs(y)
    if not len(starts):
        return gaps
    starts, ends = starts + at, ends + at
    if gaps.number and gaps.ends[gaps.number - 1] == starts[0]:
        # who reads a moment before this one ends at its own last point all the same
        gaps.ends[gaps.number - 1] = ends[0]
        starts, ends = starts[1:], ends[1:]
    count = gaps.number + len(starts)
    gaps = with_room(gaps, count)
    gaps.starts[gaps.number : count], gaps.ends[gaps.number : count] = starts, ends
    return gaps._replace(number=count)


def moved(gaps: Gaps, by: int) -> Gaps:
    """Give the gaps of a series that lost its first `by` points, in arrays of their own."""
    first = int(np.searchsorted(gaps.ends[: gaps.number], by, side="right"))
    kept = slice(first, gaps.number)
    starts, ends = np.maximum(gaps.starts[kept] - by, 0), gaps.ends[kept] - by
    return with_room(Gaps(starts, ends, len(starts)), len(starts) + 1) if len(starts) else m4.NO_GAPS


def runs(y: Floats) -> tuple[Places, Places]:
    """Give where the runs of nan in `y` begin and end."""
    missing = np.isnan(y)
    if not missing.any():
        return m4.NO_GAPS.starts, m4.NO_GAPS.ends
    edges = np.diff(missing.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def with_room(gaps: Gaps, needed: int) -> Gaps:
    """Give `gaps` in arrays that have room for as many as needed."""
    if needed <= len(gaps.starts):
        return gaps
    room = max(_FEWEST, 2 * needed)
    grown = Gaps(np.empty(room, np.int64), np.empty(room, np.int64), gaps.number)
    grown.starts[: gaps.number] = gaps.starts[: gaps.number]
    grown.ends[: gaps.number] = gaps.ends[: gaps.number]
    return grown
