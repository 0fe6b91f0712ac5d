"""What a chart spares Bokeh at each paint is right all the same: its style sheets, its overlays, its labels."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until

from rtlab.views import LayeredPlot, Pyramid
from rtlab.views.theme import DARK, LIGHT

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]

# the styles that are asked for and written from now on, and the paints
COUNT = """
const plot = dense_plot()
window.written = []
const text = Object.getOwnPropertyDescriptor(Node.prototype, "textContent")
Object.defineProperty(Node.prototype, "textContent", {
  ...text, set(told) { if (this.nodeName === "STYLE") window.written.push(told); text.set.call(this, told) },
})
const read = window.getComputedStyle, paint = plot._paint_primary
window.asked = window.paints = 0
window.getComputedStyle = (...given) => { window.asked++; return read.apply(window, given) }
plot._paint_primary = function (...given) { window.paints++; return paint.apply(this, given) }
"""
LABEL = """
const axis = dense_plot().children_views().find(({ model }) => model.type === "LinearAxis")
"""
PAINTED = """
const { canvas } = dense_plot().canvas_view.overlays
return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte)
"""
INDEX = """
const { glyph } = dense_plot().children_views().find(({ model }) => model.name === "dense")
"""
INDEXED = (
    INDEX
    + """
const plot = dense_plot(), index = glyph._index_data, paint = plot._paint_primary
window.indexed = { made: 0, paints: 0 }
glyph._index_data = function (...given) { window.indexed.made++; return index.apply(this, given) }
plot._paint_primary = function (...given) { window.indexed.paints++; return paint.apply(this, given) }
"""
)
FOLLOWS = """
const { model, frame } = dense_plot()
window.own = new (Bokeh.Models.get("DataRange1d"))({ renderers: model.renderers })
frame.y_ranges.set("own", own)
"""
HIDDEN = "return dense_plot().canvas_view.overlays.el.style.display === 'none'"


@pytest.fixture(scope="module")
def made() -> list[LayeredPlot]:
    return []


@pytest.fixture(scope="module")
def shared(browser: Browser, serve: Serve, made: list[LayeredPlot]) -> Iterator[Page]:
    def app() -> LayeredPlot:
        x = np.arange(2000.0)
        made.append(LayeredPlot(Pyramid(x, np.sin(x / 100)), x="number", height=360, span=500))
        return made[-1]

    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    page.goto(serve(app))
    page.wait_for_selector(".rtlab-badge")
    until(lambda: made[-1].statistics().shown > 0, "the first drawing", page=page)
    page.wait_for_timeout(300)
    yield page
    page.close()
    watch.check()


def test_paints_while_points_come_ask_no_style_sheet_and_write_none(shared: Page, made: list[LayeredPlot]):
    evaluate(shared, COUNT)
    for number in range(10):
        made[-1].append(np.array([2000.0 + number]), np.array([0.1 * number]))
        until(lambda number=number: shared.evaluate("window.paints") > number, "a paint", page=shared)
    assert shared.evaluate("window.asked") == 0
    assert shared.evaluate("window.written") == []


def test_what_style_sheets_say_counts_when_the_colours_change(shared: Page, made: list[LayeredPlot]):
    colour = LABEL + "return axis.visuals.major_label_text.get_text_color()"
    before = evaluate(shared, colour)
    evaluate(shared, LABEL + "axis.el.style.setProperty('--bk-major-label-text-color', 'rgb(1, 2, 3)')")
    assert evaluate(shared, colour) == before
    made[-1].overlay.wear(DARK)
    until(lambda: evaluate(shared, colour) == "rgb(1, 2, 3)", "the colour of the sheet", page=shared)
    made[-1].overlay.wear(LIGHT)


def test_bokehs_own_overlays_are_shown_as_soon_as_there_are_any(shared: Page):
    assert evaluate(shared, HIDDEN)
    box = "{ name: 'box', level: 'overlay', left: 1800, right: 1900, fill_color: 'red' }"
    evaluate(shared, f"dense_plot().model.add_layout(new (Bokeh.Models.get('BoxAnnotation'))({box}))")
    until(lambda: not evaluate(shared, HIDDEN) and evaluate(shared, PAINTED), "the box", page=shared)
    evaluate(shared, "dense_plot().model.center.find(({ name }) => name === 'box').visible = false")
    until(lambda: evaluate(shared, HIDDEN), "no box", page=shared)


def test_labels_are_those_of_the_ticks_wherever_the_window_goes(shared: Page):
    told = LABEL + (
        "const ticks = axis.tick_coords.major[axis.dimension]\n"
        "return [axis.compute_labels(ticks).items.map(({ text }) => text), axis.model.formatter.doFormat(ticks, axis)]"
    )
    seen = set()
    box = shared.locator(".rtlab-overlay").bounding_box()
    assert box is not None
    shared.mouse.move(box["x"] + 600, box["y"] + 120)
    for turn in (-300, -300, 600, 600):
        shared.mouse.wheel(0, turn)
        shared.wait_for_timeout(300)
        labels, expected = evaluate(shared, told)
        assert labels == expected
        seen.add(tuple(labels))
    assert len(seen) > 2


def test_points_are_indexed_when_somebody_looks_for_one(shared: Page, made: list[LayeredPlot]):
    evaluate(shared, INDEXED)
    made[-1].append(np.array([2100.0, 2101.0]), np.array([0.0, 0.1]))
    painted = "return window.indexed.paints"
    until(lambda: evaluate(shared, painted) > 0, "a paint", page=shared)
    found = evaluate(shared, INDEX + "return [window.indexed.made, glyph.index.bbox.x1, window.indexed.made]")
    assert found == [0, 2101, 1]
    assert evaluate(shared, INDEX + "glyph.index; return window.indexed.made") == 1  # is kept


def test_a_range_that_follows_its_data_still_does(shared: Page, made: list[LayeredPlot]):
    """A range of one's own beside that of the chart."""
    evaluate(shared, FOLLOWS)
    made[-1].append(np.array([2200.0]), np.array([-9.0]))
    until(lambda: shared.evaluate("own.start <= -9"), "the range of the newest", page=shared)
