"""A caller's own series in a served page, in a real browser."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamz
from playwright.sync_api import Browser, Page
from support.browser import evaluate, until

import rtlab
from rtlab.views import DataPlot
from rtlab.views.theme import colours

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]
SHOTS = Path(".shots")

N = 400_000
SHOWN = """
const plot = dense_plot()
if (!plot) return null
const lines = plot.model.renderers.filter((r) => r.name?.startsWith("dense"))
return { points: lines.map((r) => r.data_source.data.x.length),
         gaps: lines.map((r) => r.data_source.data.y.filter(Number.isNaN).length),
         low: plot.model.y_range.start, high: plot.model.y_range.end,
         events: plot.canvas_view.overlays_el.querySelectorAll(".event").length,
         text: plot.canvas_view.events_el.innerText }
"""


def shown(page: Page) -> dict:
    return evaluate(page, SHOWN)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    low = np.sin(np.arange(N) / 9000)
    low[100_000:200_000] = np.nan
    state = pd.Categorical(np.repeat(["open", "halt", "open", "auction"], N // 4))
    index = pd.date_range("2024-03-01", periods=N, freq="50ms")
    return pd.DataFrame({"low": low, "high": low + 10, "state": state}, index=index)


def test_columns_are_lines_with_gaps_and_categories_are_events(page: Page, serve: Serve, frame: pd.DataFrame):
    page.goto(serve(lambda: rtlab.plot(frame, title="Own")))
    page.wait_for_selector(".rtlab-badge")
    now = until(lambda: (at := shown(page)) and at["events"] >= 3 and at, "the first drawing", page=page)
    assert all(900 < points < 5000 for points in now["points"])
    assert now["gaps"] == [1, 1]
    assert "low" in now["text"]
    assert "of 800K points" in now["text"]
    assert now["low"] < -1 < 11 < now["high"]


def test_a_press_hides_a_line_and_the_range_is_of_the_others(page: Page, serve: Serve, frame: pd.DataFrame):
    page.goto(serve(lambda: rtlab.plot(frame)))
    key = page.locator(".rtlab-legend button").nth(1)
    key.wait_for()
    until(lambda: shown(page)["points"][1] > 0, "both lines", page=page)
    key.click()
    until(lambda: shown(page)["points"][1] == 0, "one line", page=page)
    assert key.get_attribute("aria-pressed") == "false"
    assert shown(page)["high"] < 2
    key.press("Enter")
    until(lambda: shown(page)["high"] > 10, "both lines again", page=page)


def test_what_is_bad_is_told_in_the_plot_which_keeps_what_it_had(page: Page, serve: Serve):
    streams: list[streamz.Stream] = []

    def app() -> DataPlot:
        streams.append(streamz.Stream())
        made = rtlab.plot(streams[-1])
        streams[-1].emit({"a": np.arange(50.0), "b": np.arange(50.0) + 3})
        return made

    page.goto(serve(app))
    page.wait_for_selector(".rtlab-badge")
    until(lambda: shown(page)["points"] == [50, 50], "the first rows", page=page)
    streams[-1].emit({"a": [1.0]})
    status = page.get_by_role("status")
    status.get_by_text("a column of the caller's vanished: expected a, b, got no b").wait_for()
    assert shown(page)["points"] == [50, 50]
    streams[-1].emit({"a": [1.0], "b": [2.0]})
    until(lambda: shown(page)["points"] == [51, 51] and not status.is_visible(), "the next rows", page=page)


def test_a_scatter_has_a_mark_a_cell_and_follows_what_comes(page: Page, serve: Serve):
    streams: list[streamz.Stream] = []
    random = np.random.default_rng(6)
    first = random.standard_normal((2, N))

    def app() -> DataPlot:
        streams.append(streamz.Stream())
        made = rtlab.plot(streams[-1], kind="scatter", span=8.0)
        streams[-1].emit(tuple(first))
        return made

    page.goto(serve(app))
    page.locator(".rtlab-badge").get_by_text("of 400K points · ≤ 1 in 2 × 2 px").wait_for()
    now = until(lambda: (at := shown(page))["points"][0] > 5000 and at, "the marks", page=page)
    assert now["points"][0] < 0.3 * N
    assert now["low"] < first[1].min() < first[1].max() < now["high"]
    streams[-1].emit((np.array([0.5]), np.array([40.0])))
    until(lambda: shown(page)["high"] > 40, "the mark far above", page=page)
    assert evaluate(page, "return dense_plot().model.renderers[0].glyph.type") == "Scatter"


def test_several_lines_are_named_on_a_phone_too_and_hidden_by_a_press(
    browser: Browser, serve: Serve, frame: pd.DataFrame
):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(serve(lambda: rtlab.plot(frame, title="Two lines")))
    keys = page.locator(".rtlab-legend button")
    keys.first.wait_for()
    until(lambda: shown(page)["points"][1] > 0, "both lines", page=page)
    boxes = [one.bounding_box() for one in (keys.nth(0), keys.nth(1), page.locator(".rtlab-badge"))]
    low, high, badge = [
        (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in boxes
    ]
    assert 0 <= low[0] < low[2] <= high[0] < high[2] <= 390
    assert badge[3] <= low[1]
    assert badge[2] <= 390
    keys.nth(1).click()
    until(lambda: shown(page)["points"][1] == 0, "one line", page=page)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "own-390.png")
    page.close()


def test_what_there_is_to_know_is_no_error(page: Page, serve: Serve):
    at = 1_700_000_000_000 + np.arange(1000)
    streams: list[streamz.Stream] = []

    def app() -> DataPlot:
        streams.append(streamz.Stream())
        made = rtlab.plot(streams[-1])
        streams[-1].emit((at, np.sin(at / 50)))
        return made

    page.goto(serve(app))
    page.locator(".rtlab-hint").get_by_text('if these are times, say x_unit="ms"').wait_for()
    ink, told = (page.get_by_role("status").evaluate(INK), colours("light"))
    assert ink == told.text
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "own-hint.png")
    streams[-1].emit((at[:1], np.zeros(1)))
    page.locator(".rtlab-notice").get_by_text("x decreases at position 0").wait_for()
    assert page.get_by_role("status").evaluate(INK) == told.bad


INK = """(one) => "#" + getComputedStyle(one).color.match(/\\d+/g)
  .map((n) => Number(n).toString(16).padStart(2, "0")).join("")"""
