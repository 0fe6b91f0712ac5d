"""What a chart draws of a window equals, in every pixel, what the same glyph draws of all points."""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator

import numpy as np
import panel as pn
import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until

from rtlab.views import LayeredPlot, Pyramid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

N = 100_000
WIDTHS, WINDOWS = ((1280, 1001, 777, 643, 390), 10) if os.environ.get("RTLAB_ROUNDS") else ((1280, 777), 2)

# `move` a chart to a window and wait for its points; `pixels` of the frame with the points that it was given, or others
CHARTS = """
const frame = () => new Promise((done) => requestAnimationFrame(done))
const chart_of = (name) => [...globalThis.rtlab_groups?.get(name) ?? []].find((one) => one.plot && one.shown >= 0)
const rests = async (chart) => {
  do await frame()
  while (chart.wanting || chart.unanswered || chart.wanted || chart.shown !== chart.asked)
}
const move = async (chart, start, end) => { chart.move(start, end); await rests(chart) }
const pixels = async (chart, data) => {
  const { plot, sources: [source] } = chart
  const { glyph } = plot.children_views().find(({ model }) => model.data_source === source)
  source.setv({ data }, { check_eq: false })
  do await frame(); while (glyph.x.length !== data.x.length)
  plot._actual_paint()
  const { canvas, ctx } = plot.canvas_view.primary, { left, top, width, height } = plot.frame.bbox
  const ratio = canvas.width / plot.bbox.width
  return new Uint32Array(ctx.getImageData(left * ratio, top * ratio, width * ratio, height * ratio).data.buffer)
}
const differing = (one, other) => one.reduce((sum, pixel, i) => sum + (pixel !== other[i]), 0)
"""
COMPARE = f"""{CHARTS}
const [name, start, end] = a, chart = chart_of(name), all = window.all_points[name]
await move(chart, start, end)
const sent = chart.sources[0].data, seen = await pixels(chart, sent)
const found = {{ sent: sent.x.length, differ: differing(seen, await pixels(chart, all)) }}
const empty = {{ x: new Float64Array(0), y: new Float64Array(0) }}
found.ink = differing(seen, await pixels(chart, empty))
// the comparison can tell: of the points sent every third is left out
const some = (values) => values.filter((_, i) => i % 3)
found.without = differing(seen, await pixels(chart, {{ x: some(sent.x), y: some(sent.y) }}))
await pixels(chart, sent)
const {{ x_range }} = chart.plot.model
found.window = [x_range.start, x_range.end]
return found
"""


def series() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(8)
    x = np.sort(random.uniform(0, N, N))
    walk = random.standard_normal(N).cumsum()
    gaps = walk.copy()
    for start in random.integers(0, N - 40, 120):
        gaps[start : start + random.integers(1, 40)] = np.nan
    equal = np.sort(np.repeat(random.uniform(0, N, N // 5), 5))
    steps = np.repeat(random.integers(0, 40, N // 100), 100).astype(float)
    grid = np.arange(float(N))
    return {
        "walk": (x, walk),
        "gaps": (x, gaps),
        "equal x": (equal, walk),
        "steps": (grid, steps),
        "one": (np.array([5.0]), np.array([2.0])),
        "none": (np.empty(0), np.empty(0)),
    }


SERIES = series()


@pytest.fixture(scope="module")
def charts(browser: Browser, serve: Callable[[Callable[[], object]], str]) -> Iterator[Page]:
    def app() -> pn.Column:
        plots = [
            LayeredPlot(Pyramid(*both), x="number", height=190, group=name) for name, both in SERIES.items()
        ]
        return pn.Column(*plots, sizing_mode="stretch_width")

    page = browser.new_page(viewport={"width": WIDTHS[0], "height": 1300})
    watch = Watch(page)
    page.goto(serve(app))
    until(lambda: all(shown(page, name) for name in SERIES), "all charts", 60, page=page)
    sent = {name: [b64encode(part.tobytes()).decode() for part in both] for name, both in SERIES.items()}
    page.evaluate(
        """(sent) => {
          const numbers = (text) => new Float64Array(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer)
          window.all_points = Object.fromEntries(
            Object.entries(sent).map(([name, [x, y]]) => [name, { x: numbers(x), y: numbers(y) }]))
        }""",
        sent,
    )
    yield page
    page.close()
    watch.check()


def shown(page: Page, name: str) -> bool:
    return bool(evaluate(page, f"{CHARTS} return Boolean(chart_of(a))", name))


def compare(page: Page, name: str, start: float, end: float) -> dict:
    return page.evaluate(f"async (a) => {{ {COMPARE} }}", [name, start, end])


FURTHER = [pytest.param(name, marks=pytest.mark.long) for name in ("equal x", "steps")]


@pytest.mark.parametrize("name", ["walk", "gaps", *FURTHER])
def test_every_pixel_is_that_of_all_points(charts: Page, name: str):
    random = np.random.default_rng(9)
    told = []
    for width in WIDTHS:
        charts.set_viewport_size({"width": width, "height": 1300})
        for span in np.geomspace(40, 0.9 * N, WINDOWS) * random.uniform(0.9, 1.1, WINDOWS):
            start = random.uniform(0, N - span)
            found = compare(charts, name, start, start + span)
            assert found["window"] == pytest.approx([start, start + span])
            assert found["differ"] == 0, (width, found)
            assert found["ink"] > 20
            told.append(found)
    # that some points are not sent is the point of it; that so many would be missed, too
    assert min(one["sent"] for one in told) < 1000 < max(one["sent"] for one in told) < N / 10
    assert sum(one["without"] > 0 for one in told) > len(told) / 2


@pytest.mark.parametrize("name", ["one", "none"])
def test_one_point_and_none_are_drawn_alike(charts: Page, name: str):
    found = compare(charts, name, 0.0, 10.0)
    assert (found["differ"], found["sent"]) == (0, len(SERIES[name][0]))
