"""A viewport of 1,000 px on a billion points that lie on the disk: `rtlab bench lod`, where there is room for them.

The points are written as they come, a part at a time, and mapped. Warm means that each window was drawn once before.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rtlab.cli.bench.results import result
from rtlab.views.pyramid import Pyramid, edges_of

Floats = NDArray[np.float64]
Rows = list[dict[str, object]]

POINTS = 10**9
QUICK = 10**7
WIDTH = 1000
BOUND_MS = 5.0
PART = 10**7
COMPARED = 10**6  # points of the longest window that is drawn of its own points too
WINDOWS = 400
_PER_POINT = 16 * 1.04


def measure(quick: bool, points: int = 0) -> tuple[Rows, Rows]:
    """Give the rows and, unless `quick`, the goal; with a reason where the disk has no room."""
    points = points or (QUICK if quick else POINTS)
    case = f"{points:,} points on the disk"
    goal: dict[str, object] = {"show": 1, "name": f"viewport p95 at {points:,} points from disk, warm"}
    goal |= {"value": None, "bound": BOUND_MS, "op": "<=", "unit": "ms"}
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 1.1 * _PER_POINT * points:
        reason = f"{_PER_POINT * points / 1e9:.0f} GB are needed, {free / 1e9:.0f} GB are free"
        return [result("viewport", "rtlab", f"{case}, warm", "ms", [], reason)], [] if quick else [goal]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        pyramid = Pyramid.write(folder, _parts(points))
        rate = points / (time.perf_counter() - began)
        began = time.perf_counter()
        pyramid = Pyramid.open(folder)
        opening = (time.perf_counter() - began) * 1e3
        windows = _windows(points)
        cold, warm = _times(pyramid, windows), _times(pyramid, windows)
        wrong = sum(_is_wrong(pyramid, *window) for window in windows if window[1] - window[0] < COMPARED)
    rows = [
        result("written, made on the way", "rtlab", case, "points/s", [rate]),
        result("opened", "rtlab", case, "ms", [opening]),
        result("viewport", "rtlab", f"{case}, first time", "ms", cold),
        result("viewport", "rtlab", f"{case}, warm", "ms", warm),
        result("windows unlike all points", "rtlab", case, "windows", [wrong]),
    ]
    return rows, [] if quick else [goal | {"value": float(np.percentile(warm, 95))}]


def _parts(points: int) -> Iterator[tuple[Floats, Floats]]:
    """A random walk over 0, 1, 2, ..."""
    random, last = np.random.default_rng(9), 0.0
    for start in range(0, points, PART):
        end = min(points, start + PART)
        y = random.standard_normal(end - start).cumsum() + last
        last = float(y[-1])
        yield np.arange(start, end, dtype=np.float64), y


def _windows(points: int) -> list[tuple[float, float]]:
    """Give windows of any length from 1,000 points to all of them, anywhere."""
    random = np.random.default_rng(7)
    spans = np.exp(random.uniform(np.log(min(1000, points)), np.log(points), WINDOWS))
    starts = random.uniform(0, points - spans)
    return list(zip(starts.tolist(), (starts + spans).tolist(), strict=True))


def _times(pyramid: Pyramid, windows: list[tuple[float, float]]) -> list[float]:
    times = []
    for x0, x1 in windows:
        began = time.perf_counter()
        pyramid.draw(edges_of(x0, x1, WIDTH), outside=True)
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _is_wrong(pyramid: Pyramid, x0: float, x1: float) -> bool:
    """Tell whether the columns of a window differ from those of a pyramid of its points alone."""
    start, end = np.searchsorted(pyramid.x, [x0, x1])
    alone = Pyramid(pyramid.x[start:end], pyramid.y[start:end])
    edges = edges_of(x0, x1, WIDTH)
    return not np.array_equal(pyramid.columns(edges), alone.columns(edges) + start)
