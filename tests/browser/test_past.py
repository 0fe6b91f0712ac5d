"""Dragged before what memory holds, in a real browser: older points are read and appear without another gesture."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from support.browser import evaluate, until

from rtlab.views import LayeredPlot, Past, Pyramid

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]
X = np.arange(50_000.0)
Y = np.sin(X / 300)
FIRST = "return dense_plot().model.renderers[0].data_source.data.x[0]"
START = "return dense_plot().model.x_range.start"


def drag(page: Page, by: int) -> None:
    box = page.locator(".rtlab-overlay").bounding_box()
    x, y = box["x"] + 600 - by / 2, box["y"] + 150
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=12)
    page.mouse.up()


def test_dragging_into_the_past_reads_it_and_a_double_click_comes_back(page: Page, serve: Serve):
    made: list[LayeredPlot] = []

    def read(x0: float, x1: float) -> tuple[np.ndarray, np.ndarray]:
        time.sleep(0.3)  # a store on a slow disk
        part = slice(*np.searchsorted(X, [x0, x1]))
        return X[part], Y[part]

    def app() -> LayeredPlot:
        held = Pyramid(X[-5000:], Y[-5000:])
        made.append(LayeredPlot(held, x="number", span=4000, height=360, past=Past(read, reach=1e5)))
        return made[-1]

    page.goto(serve(app))
    page.wait_for_selector(".rtlab-badge")
    until(lambda: made and made[0].statistics().shown > 100, "the first drawing", page=page)
    for _ in range(4):
        drag(page, 700)
        page.wait_for_timeout(100)
    until(
        lambda: evaluate(page, START) < 42_000 and evaluate(page, FIRST) <= evaluate(page, START) + 10,
        "older points fill the window",
        page=page,
    )
    data = evaluate(page, "return [...dense_plot().model.renderers[0].data_source.data.y]")
    x = evaluate(page, "return [...dense_plot().model.renderers[0].data_source.data.x]")
    assert np.asarray(data) == pytest.approx(np.sin(np.asarray(x) / 300))
    assert made[0].past.statistics().pages >= 1
    assert made[0].statistics().held > 5000
    shots = Path(__file__).resolve().parents[2] / ".shots"
    shots.mkdir(exist_ok=True)
    page.screenshot(path=shots / "past.png")
    page.locator(".rtlab-badge").click()
    until(lambda: made[0].follow, "back at the newest", page=page)
