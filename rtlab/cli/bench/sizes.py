"""A viewport of 1,000 px at 10**6, 10**7 and 10**8 points, in random windows: ours, tsdownsample's M4, datashader.

Also what it costs to build, to append and to hold the largest, and the same viewport on one that lies on the disk.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rtlab.cli.bench import shader
from rtlab.cli.bench.environments import Unfit, answer, python_with
from rtlab.cli.bench.results import result
from rtlab.views.pyramid import Pyramid, edges_of
from rtlab.views.scatter import CELL_PX, Scatter
from rtlab.views.viewport import window

Floats = NDArray[np.float64]
Rows = list[dict[str, object]]

WIDTH, HEIGHT = 1000, 400
BOUNDS_MS: Mapping[int, float] = {10**6: 0.3, 10**7: 0.5, 10**8: 1.0}
DATASHADER = "0.18.2"
STEP = 2500
_PATIENCE_S = 300
_FEW = 60  # windows for who is slow


def measure(quick: bool, sizes: Mapping[int, float] = BOUNDS_MS) -> tuple[Rows, Rows]:
    """Measure all sizes (without the largest if `quick`); give rows and goals."""
    random = np.random.default_rng(7)
    rows: Rows = []
    goals: Rows = []
    chosen = list(sizes)[:-1] if quick else list(sizes)
    for points in chosen:
        x, y = np.arange(points, dtype=np.float64), random.standard_normal(points).cumsum()
        pyramid, built = _built(x, y)
        windows = _windows(points, 400, random)
        ours = _times(lambda a, b, p=pyramid: p.draw(edges_of(a, b, WIDTH), outside=True), windows)  # type: ignore[misc]
        case = f"{points:,} points"
        rows += [
            result("build", "rtlab", case, "points/s", built),
            result("viewport", "rtlab", case, "ms", ours),
            result(
                "scatter",
                "rtlab",
                f"{case}, 1 mark in {CELL_PX} x {CELL_PX} px",
                "ms",
                _scattered(pyramid, windows[:_FEW]),
            ),
        ]
        goals.append(_goal(f"viewport p95 at {case}", _p95(ours), "<=", sizes[points], "ms"))
        if points != chosen[-1]:
            continue
        peers, ratios = _peers(x, y, pyramid, windows, ours, case)
        rows += peers
        goals += ratios
        held = pyramid.statistics()
        share = 100 * held.level_bytes * points / held.capacity / (16 * points)
        goals.append(_goal("memory beyond the data", share, "<=", 5.0, "%"))
        goals.append(_goal("build", max(built), ">=", 80e6, "points/s"))
        rows.append(
            result("viewport", "rtlab", f"{case}, from disk, warm", "ms", _from_disk(pyramid, windows))
        )
    appends = _appends(random)
    rows.append(result(f"append of {STEP:,}", "rtlab", "to 10,000,000 points", "us", appends))
    goals.append(_goal(f"append of {STEP:,} points", median(appends), "<=", 50.0, "us"))
    return rows, goals


def _built(x: Floats, y: Floats) -> tuple[Pyramid, list[float]]:
    rates = []
    pyramid = Pyramid(x[:1000], y[:1000])
    for _ in range(3):
        del pyramid
        began = time.perf_counter()
        pyramid = Pyramid(x, y)
        rates.append(len(x) / (time.perf_counter() - began))
    return pyramid, rates


def _windows(points: int, count: int, random: np.random.Generator) -> list[tuple[float, float]]:
    """Give random windows: any length from 1,000 points to all of them, anywhere."""
    spans = np.exp(random.uniform(np.log(min(1000, points)), np.log(points), count))
    starts = random.uniform(0, points - spans)
    return list(zip(starts.tolist(), (starts + spans).tolist(), strict=True))


def _times(draw: Callable[[float, float], object], windows: list[tuple[float, float]]) -> list[float]:
    times = []
    for x0, x1 in windows:
        began = time.perf_counter()
        draw(x0, x1)
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _scattered(pyramid: Pyramid, windows: list[tuple[float, float]]) -> list[float]:
    """Measure the same windows as marks, at most one a cell."""
    scatter = Scatter(HEIGHT // CELL_PX)
    return _times(lambda a, b: window(pyramid, a, b, WIDTH // CELL_PX, None, scatter), windows)


def _peers(
    x: Floats, y: Floats, pyramid: Pyramid, windows: list[tuple[float, float]], ours: list[float], case: str
) -> tuple[Rows, Rows]:
    """Measure the peers in the first windows; the ratios are of the same windows."""
    from tsdownsample import M4Downsampler

    m4 = M4Downsampler()  # type: ignore[no-untyped-call]

    def theirs(x0: float, x1: float) -> object:
        start, end = np.searchsorted(x, [x0, x1])
        if end - start <= 4 * WIDTH:
            return x[start:end], y[start:end]
        chosen = m4.downsample(x[start:end], y[start:end], n_out=4 * WIDTH)
        return x[start:end][chosen], y[start:end][chosen]

    rows: Rows = []
    goals: Rows = []
    few = windows[:_FEW]
    told = [(f"tsdownsample {version('tsdownsample')}", 10.0, _times(theirs, few), "")]
    told.append((f"datashader {DATASHADER}", 100.0, *_datashader(x, y, pyramid, few)))
    for contender, bound, times, reason in told:
        rows.append(result("viewport", contender, case, "ms", times, reason))
        name, mine = f"times {contender.split()[0]}", ours[:_FEW]
        ratio = _p95(times) / _p95(mine) if times else None
        goals.append(_goal(f"{name}, p95 to p95", ratio, ">=", bound, "x"))
        medians = [median(times) / median(mine)] if times else []
        rows.append(result(f"{name}, median to median", "rtlab", case, "x", medians, reason))
    return rows, goals


def _datashader(
    x: Floats, y: Floats, pyramid: Pyramid, windows: list[tuple[float, float]]
) -> tuple[list[float], str]:
    """Give the ms of each window in an environment of its own, or none and the reason."""
    ranges = [pyramid.draw(edges_of(*window, 1), outside=True) for window in windows]
    rows = [(*window, one.low, one.high) for window, one in zip(windows, ranges, strict=True)]
    try:
        python = python_with("datashader", (f"datashader=={DATASHADER}",), patience_s=_PATIENCE_S)
        with tempfile.TemporaryDirectory() as folder:
            for name, values in (("x", x), ("y", y), ("windows", np.array(rows))):
                np.save(Path(folder) / f"{name}.npy", values)
            told = answer(python, shader.__file__, folder, WIDTH, HEIGHT, patience_s=_PATIENCE_S)
    except Unfit as unfit:
        return [], str(unfit)
    return [float(ms) for ms in told["ms"]], ""


def _from_disk(pyramid: Pyramid, windows: list[tuple[float, float]]) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        pyramid.save(folder)
        opened = Pyramid.open(folder)
        _times(
            lambda a, b: opened.draw(edges_of(a, b, WIDTH), outside=True), windows
        )  # from here on it is warm
        return _times(lambda a, b: opened.draw(edges_of(a, b, WIDTH), outside=True), windows)


def _appends(random: np.random.Generator) -> list[float]:
    pyramid, y, times = Pyramid(), random.standard_normal(10**7), []
    x = np.arange(len(y), dtype=np.float64)
    for start in range(0, len(x), STEP):
        began = time.perf_counter()
        pyramid.append(x[start : start + STEP], y[start : start + STEP])
        times.append((time.perf_counter() - began) * 1e6)
    return times


def _p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


def _goal(name: str, value: float | None, op: str, bound: float, unit: str) -> dict[str, object]:
    return {"show": 1, "name": name, "value": value, "bound": bound, "op": op, "unit": unit}
