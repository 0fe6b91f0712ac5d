"""The layers above a chart in a real browser: what a hand does to them, and that the line below is not repainted."""

from collections.abc import Callable, Iterator

import numpy as np
import panel as pn
import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until

from rtlab.views import Event, LayeredPlot, Line, Marker, Note, Pyramid, Range

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]

N = 2000
COUNT_PAINTS = """
const plot = dense_plot()
const paint = plot._paint_primary
window.paints = 0
plot._paint_primary = function (...args) { window.paints++; return paint.apply(this, args) }
"""
# page coordinates of a value of y, and of the frame
PLACE = """
const plot = dense_plot()
const { left, top } = plot.canvas_view.events_el.getBoundingClientRect()
const { frame } = plot
return { x: left + frame.bbox.left + frame.bbox.width / 2, y: top + frame.y_scale.compute(a) }
"""
BADGE = "return dense_plot().canvas_view.events_el.innerText"


class Shown:
    """One chart in a page, and how often its line was painted since it came to rest."""

    def __init__(self, page: Page, url: str, made: list[LayeredPlot]) -> None:
        page.goto(url)
        page.wait_for_selector(".rtlab-badge")
        self.page, self.plot = page, made[-1]
        until(lambda: self.plot.statistics().shown > 0, "the first drawing", page=page)
        page.wait_for_timeout(300)
        evaluate(page, COUNT_PAINTS)

    def put_back(self) -> None:
        overlay = self.plot.overlay
        overlay.lines, overlay.notes, overlay.events, overlay.markers, overlay.ranges = LINES, (), (), (), ()
        if not self.plot.follow:
            self.page.mouse.dblclick(*self.at(0.9))
            until(lambda: self.plot.follow, "live", page=self.page)
        self.page.wait_for_timeout(150)
        self.page.evaluate("window.paints = 0")

    @property
    def paints(self) -> int:
        self.page.wait_for_timeout(150)
        return self.page.evaluate("window.paints")

    def at(self, y: float) -> tuple[float, float]:
        place = evaluate(self.page, PLACE, y)
        return place["x"], place["y"]

    def texts(self) -> list[str]:
        return self.page.locator(".rtlab-overlay text, .rtlab-cursor text").all_text_contents()


LINES = [Line(y=0.5, name="stop", label="Stop"), Line(y=-0.5, label="fixed")]


@pytest.fixture(scope="module")
def made() -> list[LayeredPlot]:
    return []


@pytest.fixture(scope="module")
def url(serve: Serve, made: list[LayeredPlot]) -> str:
    def app() -> LayeredPlot:
        x = np.arange(float(N))
        made.append(LayeredPlot(Pyramid(x, np.sin(x / 100)), x="number", height=360))
        made[-1].overlay.lines = LINES
        return made[-1]

    return serve(app)


@pytest.fixture
def alone(page: Page, url: str, made: list[LayeredPlot]) -> Shown:
    return Shown(page, url, made)


@pytest.fixture(scope="module")
def shared(browser: Browser, url: str, made: list[LayeredPlot]) -> Iterator[Shown]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    yield Shown(page, url, made)
    page.close()
    watch.check()


@pytest.fixture
def shown(shared: Shown) -> Shown:
    """The chart of all tests that append nothing to it and leave its span."""
    shared.put_back()
    return shared


def test_the_mouse_over_a_static_chart_paints_the_line_not_once(shown: Shown):
    x, y = shown.at(0.0)
    for step in range(60):
        shown.page.mouse.move(x - 200 + 7 * step, y + step % 9)
    assert shown.paints == 0


def test_a_named_line_is_dragged_without_one_paint_and_python_hears_of_it(shown: Shown):
    heard: list[Line] = []
    shown.plot.overlay.on_line = heard.append
    shown.page.mouse.move(*shown.at(0.5))
    shown.page.mouse.down()
    for y in np.linspace(0.5, 0.1, 25):
        shown.page.mouse.move(*shown.at(float(y)))
    shown.page.mouse.up()
    until(lambda: heard, "the line", page=shown.page)
    assert heard[-1].y == pytest.approx(0.1, abs=0.02)
    assert heard[-1].name == "stop"
    assert shown.plot.overlay.lines[0].y == heard[-1].y
    assert shown.paints == 0


def test_a_lines_price_is_written_anew_when_the_axis_has_fewer_digits(alone: Shown):
    alone.plot.overlay.lines = [Line(y=1 / 7, label="a seventh")]
    until(lambda: any(text.startswith("0.14") for text in alone.texts()), "its digits", page=alone.page)
    alone.plot.append([N], [1e4])
    until(lambda: "0" in alone.texts(), "none behind the point", page=alone.page)
    assert not any(text.startswith("0.14") for text in alone.texts())


def test_a_line_without_a_name_cannot_be_dragged(shown: Shown):
    before = shown.plot.statistics().asked
    shown.page.mouse.move(*shown.at(-0.5))
    shown.page.mouse.down()
    x, y = shown.at(0.0)
    shown.page.mouse.move(x + 60, y, steps=4)
    shown.page.mouse.up()
    assert shown.plot.overlay.lines[1].y == -0.5
    until(lambda: shown.plot.statistics().asked > before, "the window moves instead", page=shown.page)


def test_while_it_streams_the_line_is_painted_once_a_drawing(alone: Shown):
    before = alone.plot.statistics().drawn
    for step in range(20):
        painted = alone.page.evaluate("window.paints")
        alone.plot.append([float(N + step)], [0.0])
        until(lambda n=painted: alone.page.evaluate("window.paints") > n, "a paint", page=alone.page)
    alone.page.wait_for_timeout(300)
    assert alone.plot.statistics().drawn - before == 20
    assert alone.paints == 20


def test_following_costs_a_small_part_of_sending_the_window_again(alone: Shown, capsys):
    page, plot = alone.page, alone.plot
    frames: list[int] = []
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.webSocketFrameReceived", lambda event: frames.append(size(event["response"])))
    random = np.random.default_rng(2)

    def push(count: int, columns: float) -> None:
        drawn = plot.statistics().drawn
        x = plot.pyramid.x[-1] + (1 + np.arange(count)) * (N / 1200 * columns / count)
        plot.append(x, random.standard_normal(count).cumsum() / 40)
        until(lambda: plot.statistics().drawn > drawn, "a drawing", page=page)

    # 50,000 points a second, of which the window holds a million: two and a half of its columns at 20 Hz
    push(1_000_000, 1200)
    push(2500, 2.5)
    page.wait_for_timeout(200)
    before, drawn = len(frames), plot.statistics().drawn
    for _ in range(25):
        push(2500, 2.5)
    until(lambda: plot.statistics().drawn == drawn + 25, "25 drawings", page=page)
    page.wait_for_timeout(200)
    a_drawing = sum(frames[before:]) / 25
    resent = 16 * evaluate(page, "return dense_plot().model.renderers[0].data_source.data.x.length")
    with capsys.disabled():
        print(f"\nfollow: {a_drawing:.0f} bytes a drawing: {0.02 * a_drawing:.1f} kB/s at 20 Hz", end="; ")
        print(f"resent {0.02 * resent:.0f} kB/s")
    assert a_drawing <= 1250
    assert a_drawing < resent / 20


def size(frame: dict) -> int:
    """Bytes of a WebSocket frame as devtools tell it: text, or binary in base64."""
    text = frame["payloadData"]
    return len(text) if frame["opcode"] == 1 else len(text) * 3 // 4


def test_a_ruler_measures_without_a_paint(shown: Shown):
    shown.page.mouse.move(*shown.at(-0.2))
    shown.page.keyboard.down("Shift")
    shown.page.mouse.down()
    x, y = shown.at(0.3)
    shown.page.mouse.move(x + 100, y, steps=5)
    shown.page.mouse.up()
    shown.page.keyboard.up("Shift")
    words = until(lambda: [t for t in shown.texts() if "·" in t and "%" in t], "the ruler", page=shown.page)[
        0
    ]
    assert float(words.split(" ")[0]) == pytest.approx(0.5, abs=0.02)
    assert shown.paints == 0
    shown.page.mouse.click(*shown.at(0.9))
    until(lambda: shown.page.locator(".ruler").count() == 0, "a press takes it away", page=shown.page)


def test_notes_are_written_changed_and_taken_away(shown: Shown):
    written: list[tuple[Note, ...]] = []
    shown.plot.overlay.on_notes = written.append
    x, y = shown.at(0.0)
    shown.page.keyboard.down("Alt")
    shown.page.mouse.click(x, y)
    shown.page.keyboard.up("Alt")
    pen = shown.page.get_by_label("Note: Enter keeps it")
    pen.fill("look here")
    pen.press("Enter")
    until(lambda: "look here" in shown.texts(), "the note", page=shown.page)
    (note,) = shown.plot.overlay.notes
    assert (note.text, note.y) == ("look here", pytest.approx(0.0, abs=0.02))
    shown.page.mouse.dblclick(x + 20, y - 14)
    pen.fill("or there")
    pen.press("Enter")
    until(lambda: [n.text for n in shown.plot.overlay.notes] == ["or there"], "the change", page=shown.page)
    assert shown.plot.overlay.notes[0].name == note.name
    until(lambda: "or there" in shown.texts(), "the change", page=shown.page)
    shown.page.mouse.dblclick(x + 20, y - 14)
    pen.fill("")
    pen.press("Enter")
    until(lambda: shown.plot.overlay.notes == (), "nothing is left", page=shown.page)
    until(lambda: len(written) == 3, "each is told", page=shown.page)


def test_each_layer_is_hidden_and_shown_again_without_a_paint(shown: Shown):
    shown.plot.overlay.events = [Event(x=N / 2, label="halt")]
    shown.plot.overlay.markers = [Marker(x=N / 2, y=0.0)]
    shown.plot.overlay.ranges = [Range(x0=N / 4, x1=N / 2, label="auction")]
    for name, there in (("lines", "Stop"), ("events", "halt"), ("ranges", "auction")):
        button = shown.page.locator(".rtlab-legend button", has_text=name)
        button.wait_for()
        until(lambda there=there: there in shown.texts(), name, page=shown.page)
        button.click()
        until(lambda there=there: there not in shown.texts(), f"{name} are hidden", page=shown.page)
        assert button.get_attribute("aria-pressed") == "false"
        button.click()
        until(lambda there=there: there in shown.texts(), f"{name} are back", page=shown.page)
    strip, whole = (shown.page.locator(f".rtlab-overlay{part}").bounding_box() for part in (" .range", ""))
    assert strip["x"] + strip["width"] == pytest.approx(shown.at(0.0)[0], abs=4)  # the middle
    assert strip["width"] == pytest.approx(whole["width"] / 4, rel=0.15)
    assert shown.paints == 0


# what changes in the browser where marks stand, from now on; and how far each is from where it should be, in px
CHANGES = """
window.changes = []
new MutationObserver((all) => changes.push(...all.map(({ target, attributeName }) => [target.nodeName, attributeName])))
  .observe(dense_plot().canvas_view.overlays_el.querySelector(".rtlab-overlay"), { attributes: true, subtree: true })
"""
FAR = """
const plot = dense_plot(), { overlays_el } = plot.canvas_view
const zero = overlays_el.getBoundingClientRect().left
const middle = (node) => { const { left, width } = node.getBoundingClientRect(); return left + width / 2 - zero }
const far = (found, wanted) => found.map(middle).sort((p, q) => p - q)
  .map((place, i) => Math.abs(place - plot.frame.x_scale.compute(wanted[i])))
return ["line.event", "path"].flatMap((name) => far([...overlays_el.querySelectorAll(name)], a))
"""


def test_marks_go_along_with_a_window_that_follows_and_only_their_group_is_moved(alone: Shown):
    stands = [800.0, 1000.0, 1200.0]
    alone.plot.overlay.events = [Event(x=x, label="halt") for x in stands]
    alone.plot.overlay.markers = [Marker(x=x, y=0.0, shape="up") for x in stands]
    alone.page.mouse.move(*alone.at(0.0))
    alone.page.mouse.wheel(0, -100)  # a window that is narrower than all points follows at its width
    alone.plot.append([float(N)], [0.0])
    alone.page.mouse.dblclick(*alone.at(0.9))
    until(lambda: "halt" in alone.texts(), "events", page=alone.page)
    alone.page.wait_for_timeout(300)
    evaluate(alone.page, CHANGES)
    start = "return dense_plot().model.x_range.start"
    before = evaluate(alone.page, start)
    for step in range(40):
        alone.plot.append([N + 10.0 * step], [0.0])
        alone.page.wait_for_timeout(30)
        # a window that has moved is painted with its marks in the next frame
        until(
            lambda: max(evaluate(alone.page, FAR, stands)) < 0.2, "marks at their places", 5, page=alone.page
        )
    assert evaluate(alone.page, start) > before + 100
    changes = [tuple(change) for change in alone.page.evaluate("changes")]
    assert ("g", "transform") in changes
    assert ("path", "d") not in changes
    assert ("line", "x1") not in changes


def test_the_mouse_shows_where_a_line_can_be_dragged(shown: Shown):
    sign = "return getComputedStyle(dense_plot().canvas_view.events_el).cursor"
    for y, wanted in ((0.5, "ns-resize"), (0.0, "default"), (0.5, "ns-resize"), (-0.5, "default")):
        shown.page.mouse.move(*shown.at(y))
        assert evaluate(shown.page, sign) == wanted  # only the first line has a name


def test_a_stream_that_stops_is_visibly_frozen(alone: Shown):
    for step in range(15):
        alone.plot.append([float(N + step)], [0.0])
        alone.page.wait_for_timeout(60)
    until(lambda: "live" in evaluate(alone.page, BADGE), "live", page=alone.page)
    assert "exact" in evaluate(alone.page, BADGE)
    until(lambda: "frozen" in evaluate(alone.page, BADGE), "frozen", 5, page=alone.page)
    alone.plot.append([float(N + 20)], [0.0])
    until(lambda: "live" in evaluate(alone.page, BADGE), "live again", page=alone.page)


def test_keys_move_zoom_pause_and_go_back(alone: Shown):
    window = "const { start, end } = dense_plot().model.x_range; return [start, end]"
    page = alone.page
    whole = evaluate(page, window)
    evaluate(page, "dense_plot().canvas_view.events_el.focus()")
    page.keyboard.press("+")
    until(lambda: np.diff(evaluate(page, window)) < 0.9 * np.diff(whole), "zoomed", page=page)
    page.keyboard.press("End")
    until(lambda: alone.plot.follow, "live", page=page)
    page.keyboard.press("ArrowLeft")
    until(lambda: not alone.plot.follow, "moved back", page=page)
    page.keyboard.press(" ")
    until(lambda: alone.plot.follow, "live again", page=page)
    assert "2,000 points from 0 to 1,999" in evaluate(
        page, "return dense_plot().canvas_view.events_el.getAttribute('aria-label')"
    )


def test_charts_of_a_group_share_cursor_and_window(page: Page, serve: Serve):
    made: list[LayeredPlot] = []

    def app() -> pn.Column:
        x = np.arange(float(N))
        pair = [
            LayeredPlot(Pyramid(x, f(x / 90)), x="number", height=200, group="g") for f in (np.sin, np.cos)
        ]
        made.extend(pair)
        return pn.Column(*pair)

    page.goto(serve(app))
    until(lambda: len(made) == 2 and all(plot.statistics().shown for plot in made), "both", page=page)
    page.wait_for_timeout(300)
    box = page.locator(".rtlab-overlay").first.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    until(lambda: page.locator(".rtlab-cursor circle").count() == 2, "both cursors", page=page)
    page.mouse.wheel(0, -300)
    until(lambda: all(plot.statistics().asked > 1 for plot in made), "both windows", page=page)
    until(lambda: made[0].window == made[1].window, "the same window", page=page)
