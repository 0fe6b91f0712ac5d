"""`rtlab bench lod`: what Python takes to draw one window of a long series, ours, a peer's, and by brute force.

A window is drawn when the x and y of its columns and its y range are there. The windows are those of
somebody who zooms about: everything, down to a thousandth of a thousandth, anywhere; all contenders get the same.
Then a person's wheel over the same points in a served page (`zoom.py`), and other sizes and peers (`sizes.py`), and a
billion points on the disk (`disk.py`).
"""

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from rtlab.cli.bench import disk, sizes, zoom
from rtlab.cli.bench.results import result
from rtlab.views.pyramid import Pyramid, edges_of

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Window = tuple[float, float]
Drawing = tuple[Floats, Floats, float, float]
Draw = Callable[[float, float], Drawing]

WIDTH = 1200
BOUND_MS = 1.0
ZOOM = "zooming about"


class Size(NamedTuple):
    """How much is measured: points of the series, windows of each case, and windows for who is slow."""

    points: int
    windows: int
    slow: int


def run(quick: bool) -> dict[str, object]:
    """Measure all contenders; give results and the goal as `rtlab bench --json` prints them."""
    size = Size(10_000_000, 300, 20) if quick else Size(10_000_000, 2000, 100)
    report = measure(size)
    rows, goals = zoom.measure(size.points, 1 if quick else 5)
    for part in (sizes, disk):
        more, bounds = part.measure(quick)
        rows, goals = rows + more, goals + bounds
    return {"results": report["results"] + rows, "goals": report["goals"] + goals}


def measure(size: Size) -> dict[str, list[dict[str, object]]]:
    """Measure with a series and a number of windows of any size; the series is a random walk."""
    random = np.random.default_rng(1)
    x = np.arange(size.points, dtype=np.float64)
    y = np.cumsum(random.standard_normal(size.points))
    Pyramid(x[:1000], y[:1000])  # compiles
    results = [result("build", "rtlab", f"{size.points:,} points", "points/s", _builds(x, y))]
    pyramid = Pyramid(x, y)
    results.append(result("append of 1,000", "rtlab", f"to {size.points:,} points", "us", _appends(x, y)))
    held = pyramid.statistics()
    share = held.level_bytes / (16 * held.capacity) * 100
    results.append(result("levels, of x and y", "rtlab", f"{size.points:,} points", "%", [share]))
    goal = float("nan")
    for case, windows in _cases(size, random):
        for contender, draw, most in _contenders(pyramid, x, y, size):
            times = _times(draw, windows[:most])
            results.append(result("viewport", contender, case, "ms", times))
            if contender == "rtlab" and case == ZOOM:
                goal = float(np.percentile(times, 95))
                results.append(result("viewport p95", contender, case, "ms", [goal]) | {"runs": len(times)})
    wrong = sum(
        not np.array_equal(_inner(pyramid.view(x0, x1, WIDTH), x, x0, x1), brute_force(x, y, x0, x1))
        for x0, x1 in _zooming(size.points, size.slow, random)
    )
    unlike = result("windows unlike brute force", "rtlab", ZOOM, "windows", [wrong])
    results.append(unlike | {"runs": size.slow})
    name = {"show": 8, "name": "viewport p95", "unit": "ms"}
    return {"results": results, "goals": [{**name, "value": goal, "bound": BOUND_MS, "op": "<="}]}


def brute_force(x: Floats, y: Floats, x0: float, x1: float) -> Indices:
    """Give the M4 points of WIDTH columns of [x0, x1) by looking at all points; without those beside it."""
    edges = x0 + (x1 - x0) * np.arange(WIDTH + 1) / WIDTH
    edges[-1] = x1
    bounds = np.searchsorted(x, edges)
    picked: list[int] = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if start < end:
            column = y[start:end]
            picked += sorted({start, start + int(column.argmin()), start + int(column.argmax()), end - 1})
    return np.array(picked, dtype=np.int64)


def _contenders(pyramid: Pyramid, x: Floats, y: Floats, size: Size) -> Iterator[tuple[str, Draw, int]]:
    from tsdownsample import M4Downsampler

    m4 = M4Downsampler()  # type: ignore[no-untyped-call]

    def peer(x0: float, x1: float) -> Indices:
        start, end = np.searchsorted(x, [x0, x1])
        if end - start <= 4 * WIDTH:
            return np.arange(start, end)
        chosen = m4.downsample(x[start:end], y[start:end], n_out=4 * WIDTH)
        return cast(Indices, chosen.astype(np.int64) + start)

    def points(indices: Indices) -> Drawing:
        some_y = y[indices]
        return x[indices], some_y, float(some_y.min(initial=np.inf)), float(some_y.max(initial=-np.inf))

    yield "rtlab", lambda x0, x1: pyramid.draw(edges_of(x0, x1, WIDTH), outside=True)[:4], size.windows
    name = f"tsdownsample {version('tsdownsample')}"
    yield name, lambda x0, x1: points(peer(x0, x1)), min(size.windows, 10 * size.slow)
    yield "brute force (numpy)", lambda x0, x1: points(brute_force(x, y, x0, x1)), size.slow


def _cases(size: Size, random: np.random.Generator) -> Iterator[tuple[str, list[Window]]]:
    yield ZOOM, _zooming(size.points, size.windows, random)
    yield "everything", [(0.0, float(size.points))] * min(size.windows, 10 * size.slow)


def _zooming(points: int, count: int, random: np.random.Generator) -> list[Window]:
    spans = np.exp(random.uniform(np.log(min(10.0, points)), np.log(points), count))
    starts = random.uniform(0, points - spans)
    return [(float(start), float(start + span)) for start, span in zip(starts, spans, strict=True)]


def _times(draw: Draw, windows: list[Window]) -> list[float]:
    times = []
    for x0, x1 in windows:
        began = time.perf_counter()
        draw(x0, x1)
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _builds(x: Floats, y: Floats) -> list[float]:
    rates = []
    for _ in range(3):
        began = time.perf_counter()
        Pyramid(x, y)
        rates.append(len(x) / (time.perf_counter() - began))
    return rates


def _appends(x: Floats, y: Floats) -> list[float]:
    pyramid, times = Pyramid(), []
    for start in range(0, len(x), 1000):
        began = time.perf_counter()
        pyramid.append(x[start : start + 1000], y[start : start + 1000])
        times.append((time.perf_counter() - began) * 1e6)
    return times


def _inner(indices: Indices, x: Floats, x0: float, x1: float) -> Indices:
    return indices[(x[indices] >= x0) & (x[indices] < x1)]
