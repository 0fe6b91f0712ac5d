"""M4 the plain way: cut the points by column, look at all of them."""

import itertools

import numpy as np


def brute_force_edges(x: np.ndarray, y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    bounds = np.searchsorted(x, edges, "left")
    picked: list[int] = []
    for start, end in itertools.pairwise(bounds):
        if end > start:
            column = y[start:end]
            four = {start, start + int(np.argmin(column)), start + int(np.argmax(column)), end - 1}
            picked += sorted(int(i) for i in four)
    return np.array(picked, dtype=np.int64)


def brute_force(x: np.ndarray, y: np.ndarray, x0: float, x1: float, width: int) -> np.ndarray:
    """What `Pyramid.view` must give, by its definition."""
    edges = x0 + (x1 - x0) * np.arange(width + 1) / width
    edges[-1] = x1
    edges = np.minimum(edges, x1)
    inside, end = np.searchsorted(x, (x0, x1), "left")
    picked = [*range(inside)[-1:], *brute_force_edges(x, y, edges), *range(end, len(x))[:1]]
    return np.array(picked, dtype=np.int64)


def brute_force_gaps(x: np.ndarray, y: np.ndarray, x0: float, x1: float, width: int) -> np.ndarray:
    """What `Pyramid.view` must give of a y with nan: M4 of every run within a column, one point for each gap."""
    edges = np.minimum(x0 + (x1 - x0) * np.arange(width + 1) / width, x1)
    edges[-1] = x1
    bounds = np.searchsorted(x, edges, "left")
    missing = np.isnan(y).tolist()
    picked: list[int] = []
    for start, end in itertools.pairwise(bounds.tolist()):
        i = start
        while i < end:
            stop = i
            while stop < end and missing[stop] == missing[i]:
                stop += 1
            if not missing[i]:
                run = y[i:stop]
                picked += sorted({i, i + int(np.argmin(run)), i + int(np.argmax(run)), stop - 1})
            elif i == bounds[0] or not missing[i - 1]:
                picked.append(i)
            i = stop
    before = np.flatnonzero(x < x0)[-1:]
    behind = np.flatnonzero(x >= x1)[:1]
    return np.concatenate([before, picked, behind]).astype(np.int64)
