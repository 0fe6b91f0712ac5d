"""The wheel over ten million points in a served page, in a headless Chromium: the browser half of `lod`.

The page is served by a process of its own. Its points are irregular, and the wheel zooms from all of them down to
a few hundred and back, a turn each 40 ms. Of each turn counts what a `LayeredPlot` says of itself: the time from
the question to the columns, by the wall clock of a machine whose browser draws on the same cores meanwhile.
"""

import asyncio
from statistics import median

import numpy as np

from rtlab.cli.bench.browser import chromium, opened
from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.results import result
from rtlab.lab.serving import start_server
from rtlab.views import LayeredPlot, PlotStatistics, Pyramid

GOAL_MS = 1.0
TURNS = 60  # down, and as many back
TURN_MS = 40
SETTLE_MS = 1500


def measure(points: int, runs: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Give the rows and the goal of a zoom in a page; a row with a reason where no browser can be had."""
    goal: dict[str, object] = {
        "show": 8,
        "name": "viewport in a page, p95",
        "bound": GOAL_MS,
        "op": "<=",
        "unit": "ms",
    }
    browser, reason = chromium()
    if reason:
        return [_row("viewport in a page, p95", points, [], reason)], [goal | {"value": None}]
    zoomed = [_zoom(browser, points) for _ in range(runs)]
    p95 = [statistics.python_p95_ms for statistics in zoomed]
    rows = [
        _row("viewport in a page, p50", points, [statistics.python_p50_ms for statistics in zoomed]),
        _row("viewport in a page, p95", points, p95),
    ]
    return rows, [goal | {"value": median(p95)}]


def _row(name: str, points: int, column: list[float], reason: str = "") -> dict[str, object]:
    return result(name, "rtlab", f"{2 * TURNS} turns of the wheel over {points:,}", "ms", column, reason)


def _zoom(browser: str, points: int) -> PlotStatistics:
    with Child(_serve, points) as server, opened(browser, server.receive(), 1280, 800) as page:
        page.wait_for_selector(".rtlab-badge")
        page.wait_for_timeout(SETTLE_MS)
        box = page.locator(".rtlab-overlay").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
        for turn in range(2 * TURNS):
            page.mouse.wheel(0, -100 if turn < TURNS else 100)
            page.wait_for_timeout(TURN_MS)
        page.wait_for_timeout(SETTLE_MS)
        server.send("statistics")
        return PlotStatistics(*server.receive())


async def _serve(owner: Owner, points: int) -> None:
    random = np.random.default_rng(1)
    pyramid = Pyramid(np.cumsum(random.exponential(1.0, points)), np.cumsum(random.standard_normal(points)))
    plots: list[LayeredPlot] = []

    def page() -> LayeredPlot:
        plots.append(LayeredPlot(pyramid, x="number", height=600))
        return plots[-1]

    server = start_server({"zoom": page}, "127.0.0.1", 0)
    try:
        owner.send(f"http://127.0.0.1:{server.port}/zoom")
        while await owner.receive():
            owner.send(tuple(plots[-1].statistics()))
    except asyncio.CancelledError:
        server.stop()
        raise
