"""A layered plot of ten million points in a served page, in a real browser."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import panel as pn
import pytest
from bokeh.document import Document
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until
from support.m4_oracle import brute_force

from rtlab.views import LayeredPlot, Line, Marker, Pyramid, overlay

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]

N = 10_000_000
MANY_X = np.arange(N) * 5.0 + 1.7e12
MANY_Y = 100 + np.cumsum(np.random.default_rng(3).standard_normal(N)) * 0.01

# counts what Bokeh paints on the canvas that holds the line
COUNT_PAINTS = """
const plot = dense_plot()
const paint = plot._paint_primary
window.paints = 0
plot._paint_primary = function (...args) { window.paints++; return paint.apply(this, args) }
"""
# keeps what each paint of the line shows
NOTE_WINDOWS = """
const plot = dense_plot()
const source = plot.model.renderers.find((r) => r.name === "dense").data_source
const paint = plot._paint_primary
window.windows = []
window.addEventListener("wheel", () => { window.wheeled = performance.now() }, true)
plot._paint_primary = function (...args) {
  const { start, end } = plot.model.x_range
  const last = window.windows.at(-1)
  if (!last || last.start !== start || last.end !== end || last.x !== source.data.x) {
    window.windows.push({ start, end, x: source.data.x, y: source.data.y,
                          width: Math.round(plot.frame.bbox.width),
                          since: performance.now() - window.wheeled })
  }
  return paint.apply(this, args)
}
"""
STATE = """
const plot = dense_plot()
if (!plot) return null
const source = plot.model.renderers.find((r) => r.name === "dense").data_source
const { x_range, y_range } = plot.model
return { x: [...source.data.x], y: [...source.data.y], start: x_range.start, end: x_range.end,
         low: y_range.start, high: y_range.end, width: Math.round(plot.frame.bbox.width),
         backend: plot.model.output_backend,
         badge: plot.canvas_view.events_el.querySelector(".rtlab-badge")?.innerText }
"""
DRAWN = "return dense_plot()?.model.renderers.find((r) => r.name === 'dense').data_source.data.x.length ?? -1"


class Plots:
    """The plots that sessions have made, weakly, and the server thread's way to reach the newest."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[LayeredPlot]] = []

    def keep(self, plot: LayeredPlot) -> LayeredPlot:
        self.made.append(weakref.ref(plot))
        return plot

    @property
    def newest(self) -> LayeredPlot:
        plot = self.made[-1]()
        assert plot is not None
        return plot


@pytest.fixture(scope="module")
def many() -> Pyramid:
    return Pyramid(MANY_X, MANY_Y)


@pytest.fixture(scope="module")
def plots() -> Plots:
    return Plots()


def mark(plot: LayeredPlot) -> None:
    plot.overlay.lines = [Line(y=float(MANY_Y[-1]), label="Buy 1", colour="bid")]
    plot.overlay.markers = [Marker(x=float(MANY_X[N // 2]), y=float(MANY_Y[N // 2]), label="here")]


@pytest.fixture(scope="module")
def static(serve: Serve, many: Pyramid, plots: Plots) -> str:
    def app() -> LayeredPlot:
        plot = plots.keep(LayeredPlot(many, title="Ten million", height=400))
        mark(plot)
        return plot

    return serve(app)


@pytest.fixture(scope="module")
def live(serve: Serve, plots: Plots) -> str:
    def app() -> LayeredPlot:
        x = np.arange(2000.0)
        return plots.keep(LayeredPlot(Pyramid(x, np.sin(x / 30)), x="number", span=500, height=300))

    return serve(app)


def opened(page: Page, url: str, plots: Plots) -> LayeredPlot:
    """Open the page and wait until its plot has had its first answer drawn."""
    before = len(plots.made)
    page.goto(url)
    page.wait_for_selector(".rtlab-badge")
    until(lambda: len(plots.made) > before, "the session", page=page)
    plot = plots.newest
    until(lambda: plot.statistics().shown > 0, "the first drawing", page=page)
    return plot


def state(page: Page) -> dict:
    return evaluate(page, STATE)


def settled(page: Page, plot: LayeredPlot) -> dict:
    """Wait until all that was asked has been answered and painted, twice the same."""
    seen: list[tuple[int, int]] = []

    def quiet() -> bool:
        statistics = plot.statistics()
        seen.append((statistics.asked, evaluate(page, DRAWN)))
        return len(seen) > 5 and len(set(seen[-5:])) == 1 and statistics.shown == seen[-1][1]

    until(quiet, "quiet", page=page)
    return state(page)


def assert_is_oracle(now: dict, x: np.ndarray, y: np.ndarray) -> None:
    expected = brute_force(x, y, now["start"], now["end"], now["width"])
    assert np.array_equal(now["x"], x[expected])
    assert np.array_equal(now["y"], y[expected])


def view(plot: LayeredPlot) -> Document:
    """Give the document of the page that shows the plot."""
    return pn.state._views[next(iter(plot.overlay._models))][2]


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".rtlab-overlay").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5


@pytest.fixture(scope="module")
def shared(browser: Browser, static: str, plots: Plots) -> Iterator[tuple[Page, LayeredPlot]]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    yield page, opened(page, static, plots)
    page.close()
    watch.check()


@pytest.fixture
def chart(shared: tuple[Page, LayeredPlot]) -> tuple[Page, LayeredPlot]:
    """The page and the plot of all tests that look at the static chart, as if it were just opened."""
    page, plot = shared
    mark(plot)
    page.mouse.move(*middle(page))
    for _ in range(20):
        if evaluate(page, WHOLE, float(MANY_X[-1] - MANY_X[0])):
            break
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(30)
    assert evaluate(page, WHOLE, float(MANY_X[-1] - MANY_X[0]))
    if not plot.follow:
        page.mouse.dblclick(*middle(page))
        until(lambda: plot.follow, "live", page=page)
    settled(page, plot)
    return page, plot


WHOLE = "const { start, end } = dense_plot().model.x_range; return end - start >= a"


def test_wheel_zoom_brings_the_columns_that_brute_force_finds(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    whole = settled(page, plot)
    page.mouse.move(*middle(page))
    cursor = evaluate(page, "return dense_plot().frame.x_scale.invert(a)", middle(page)[0])
    spans = [whole["end"] - whole["start"]]
    for turns in (4, 6, 10):
        for _ in range(turns):
            page.mouse.wheel(0, -240)
        now = settled(page, plot)
        assert now["start"] < cursor < now["end"]
        spans.append(now["end"] - now["start"])
        assert_is_oracle(now, MANY_X, MANY_Y)
        inside = (now["start"] <= MANY_X) & (now["end"] > MANY_X)
        assert now["low"] < MANY_Y[inside].min() < MANY_Y[inside].max() < now["high"]
    assert spans[1] < spans[0] / 4
    assert spans[3] < spans[0] / 1000
    held = plot.statistics()
    assert held.asked == held.answered > 3
    assert held.held == N
    assert held.python_p50_ms > 0
    assert not plot.follow


def test_a_wheel_paints_once_the_new_window_with_its_own_columns(page: Page, static: str, plots: Plots):
    plot = opened(page, static, plots)
    settled(page, plot)
    page.mouse.move(*middle(page))
    evaluate(page, NOTE_WINDOWS)
    for turn in range(1, 9):
        page.mouse.wheel(0, -200)
        until(lambda turn=turn: plot.statistics().asked >= turn + 1, "the question", page=page)
        settled(page, plot)
    own, others = [], []
    for painted in page.evaluate("window.windows"):
        expected = brute_force(MANY_X, MANY_Y, painted["start"], painted["end"], painted["width"])
        (own if np.array_equal(painted["x"], MANY_X[expected]) else others).append(painted)
    assert len(own) == 8
    # only where Python took its time the line of before was shown in the new window
    assert all(painted["since"] >= 45 for painted in others)


def test_a_late_answer_is_not_waited_for_and_later_moves_neither(
    page: Page, static: str, plots: Plots, monkeypatch: pytest.MonkeyPatch
):
    plot = opened(page, static, plots)
    before = settled(page, plot)
    page.mouse.move(*middle(page))
    held: list[overlay.Ask] = []
    answer = plot._answer
    monkeypatch.setattr(plot, "_answer", held.append)
    page.mouse.wheel(0, -200)
    until(lambda: state(page)["end"] < before["end"], "the window without its columns", page=page)
    stretched = state(page)
    assert stretched["x"] == before["x"]
    evaluate(page, NOTE_WINDOWS)
    page.mouse.wheel(0, -200)
    until(lambda: state(page)["end"] < stretched["end"], "the next window", page=page)
    until(lambda: len(held) == 2, "both questions", page=page)
    monkeypatch.setattr(plot, "_answer", answer)
    for ask in held:
        view(plot).add_next_tick_callback(lambda ask=ask: plot._heard(ask))
    now = settled(page, plot)
    assert_is_oracle(now, MANY_X, MANY_Y)
    # no answer takes the window back to where it has been
    ends = [painted["end"] for painted in page.evaluate("window.windows")]
    assert ends == sorted(ends, reverse=True)
    page.mouse.wheel(0, -200)
    again = settled(page, plot)
    assert again["end"] < now["end"]
    assert_is_oracle(again, MANY_X, MANY_Y)


def test_the_zoom_is_about_the_cursor(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    page.mouse.move(*middle(page))
    under = (
        "return dense_plot().frame.x_scale.invert(a - dense_plot().canvas_view.el.getBoundingClientRect().x)"
    )
    before = evaluate(page, under, middle(page)[0])
    page.mouse.wheel(0, -200)
    now = settled(page, plot)
    after = evaluate(page, under, middle(page)[0])
    assert after == pytest.approx(before, abs=(now["end"] - now["start"]) / now["width"])


def test_mouse_over_a_static_chart_never_repaints_the_dense_layer(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    evaluate(page, COUNT_PAINTS)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.wait_for_selector(".rtlab-cursor circle", state="attached")
    drawn = set()
    for step in range(60):
        page.mouse.move(x + 5 * step, y + step)
        drawn.add(page.locator(".rtlab-cursor").inner_html())
    assert len(drawn) > 30
    assert page.evaluate("window.paints") == 0
    plot.overlay.lines = [Line(y=100.0, label="moved")]
    page.wait_for_selector("text=moved", state="attached")
    assert page.evaluate("window.paints") == 0
    # the counter counts: a zoom does paint
    page.mouse.wheel(0, -200)
    until(lambda: page.evaluate("window.paints") > 0, "a paint", page=page)


def test_the_cursor_reads_out_a_point_that_there_is(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    page.mouse.move(*middle(page))
    for _ in range(15):
        page.mouse.wheel(0, -300)
    settled(page, plot)
    page.mouse.move(middle(page)[0] + 3, middle(page)[1])
    cursor = page.locator(".rtlab-cursor text")
    page.wait_for_selector(".rtlab-cursor circle", state="attached")
    time, _, value = cursor.all_text_contents()
    shown = float(value.replace(",", ""))
    assert np.isclose(state(page)["y"], shown, rtol=1e-9).any()
    assert len(time.split(":")) == 3


def test_dragging_moves_the_window_and_a_double_click_goes_back(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    page.mouse.move(*middle(page))
    for _ in range(10):
        page.mouse.wheel(0, -200)
    before = settled(page, plot)
    x, y = middle(page)
    page.mouse.down()
    page.mouse.move(x + 100, y, steps=5)
    page.mouse.up()
    now = settled(page, plot)
    moved = 100 * (before["end"] - before["start"]) / before["width"]
    assert now["start"] == pytest.approx(before["start"] - moved, abs=moved / 50)
    assert_is_oracle(now, MANY_X, MANY_Y)
    page.mouse.dblclick(x, y)
    until(lambda: plot.follow, "live", page=page)
    now = settled(page, plot)
    assert now["start"] < MANY_X[-1] < now["end"]
    assert now["end"] - now["start"] == pytest.approx(before["end"] - before["start"])


def test_nobody_leaves_the_points_by_zooming_or_dragging(page: Page, static: str, plots: Plots):
    plot = opened(page, static, plots)
    page.mouse.move(*middle(page))
    for _ in range(20):
        page.mouse.wheel(0, 300)
    now = settled(page, plot)
    assert now["end"] - now["start"] <= 1.06 * (MANY_X[-1] - MANY_X[0])
    for _ in range(60):
        page.mouse.wheel(0, -300)
    now = settled(page, plot)
    assert now["end"] - now["start"] > 0
    assert plot.statistics().refused == 0
    for _ in range(5):
        page.mouse.wheel(20_000, 0)
    now = settled(page, plot)
    assert now["start"] < MANY_X[-1]
    assert now["end"] > MANY_X[0]


def test_answers_to_a_window_that_was_left_are_dropped_and_counted(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    page.mouse.move(*middle(page))
    dropped = plot.statistics().dropped
    # the question leaves with one animation frame; before its answer can come, the window jumps back
    evaluate(
        page,
        """
        const target = dense_plot().canvas_view.events_el
        const { x, y, width, height } = target.getBoundingClientRect()
        const at = { clientX: x + width / 3, clientY: y + height / 2, bubbles: true, cancelable: true }
        target.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: -300 }))
        return new Promise((done) => requestAnimationFrame(() => {
          target.dispatchEvent(new MouseEvent("dblclick", at))
          done()
        }))
        """,
    )
    until(lambda: plot.statistics().dropped > dropped, "a dropped answer", page=page)
    now = settled(page, plot)
    assert plot.follow
    assert now["start"] < MANY_X[-1] < now["end"]


def test_follow_mode_moves_and_shows_what_brute_force_finds(page: Page, live: str, plots: Plots):
    plot = opened(page, live, plots)
    first = settled(page, plot)
    for step in range(40):
        x = 2000.0 + step * 20 + np.arange(20.0)
        plot.append(x, np.sin(x / 30) + step / 10)
        page.wait_for_timeout(5)
    until(lambda: state(page)["start"] < 2799 < state(page)["end"], "the newest point", page=page)
    now = settled(page, plot)
    assert now["end"] - now["start"] == pytest.approx(first["end"] - first["start"])
    assert now["start"] > first["start"] + 700
    x, y = plot.pyramid.x, plot.pyramid.y
    inside = (x >= now["start"]) & (x < now["end"])
    assert set(now["x"]) <= set(x.tolist())
    drawn = dict(zip(now["x"], now["y"], strict=True))
    assert all(y[int(at)] == value for at, value in drawn.items())
    assert max(now["y"]) == y[inside].max()
    assert now["low"] < y[inside].min() < y[inside].max() < now["high"]
    assert "live" in now["badge"]
    statistics = plot.statistics()
    assert statistics.live
    assert 0 < statistics.drawn < 40 + 5
    assert statistics.merged > 0


def test_appends_from_another_thread_arrive(page: Page, live: str, plots: Plots):
    plot = opened(page, live, plots)

    def feed() -> None:
        for step in range(300):
            plot.append(2000.0 + step, 0.0)

    feeder = threading.Thread(target=feed)
    feeder.start()
    feeder.join(30)
    until(lambda: state(page)["x"][-1] == 2299, "the last point", page=page)
    assert plot.statistics().drawn < 100


def test_paused_nothing_is_sent_and_the_badge_goes_back(page: Page, live: str, plots: Plots):
    plot = opened(page, live, plots)
    settled(page, plot)
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -300)
    paused = settled(page, plot)
    assert not plot.follow
    plot.append(np.arange(2000.0, 3000.0), np.zeros(1000))
    drawn = plot.statistics().drawn
    assert state(page)["x"] == paused["x"]
    page.locator(".rtlab-badge").click()
    until(lambda: plot.follow and state(page)["x"][-1] == 2999, "live", page=page)
    assert plot.statistics().drawn == drawn
    plot.follow = False
    until(lambda: not plot.follow, "paused by Python", page=page)


def test_a_window_that_nobody_painted_for_long_is_sent_whole(page: Page, live: str, plots: Plots):
    plot = opened(page, live, plots)
    settled(page, plot)
    plot.append(np.arange(2000.0, 9000.0), np.cos(np.arange(7000.0)))
    until(lambda: state(page)["x"][-1] == 8999, "the newest", page=page)
    now = settled(page, plot)
    assert len([x for x in now["x"] if x < now["start"]]) == 1


def test_another_width_asks_for_other_columns(page: Page, static: str, plots: Plots):
    plot = opened(page, static, plots)
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -300)
    wide = settled(page, plot)
    page.set_viewport_size({"width": 700, "height": 720})
    until(lambda: plot.statistics().asked and state(page)["width"] < 700, "the width", page=page)
    narrow = settled(page, plot)
    assert (narrow["start"], narrow["end"]) == (wide["start"], wide["end"])
    assert_is_oracle(narrow, MANY_X, MANY_Y)


def test_a_browser_without_hardware_gl_gets_the_canvas(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    assert state(page)["backend"] == "canvas"
    assert plot.statistics().output_backend == "canvas"


def test_a_browser_with_hardware_gl_gets_webgl_and_the_same_points(
    browser: Browser, static: str, plots: Plots
):
    page = browser.new_page(viewport={"width": 1000, "height": 600})
    watch = Watch(page)
    page.add_init_script(
        """for (const kind of [WebGLRenderingContext, WebGL2RenderingContext]) {
             const ask = kind.prototype.getParameter
             kind.prototype.getParameter = function (what) {
               return what === 0x9246 ? "ANGLE (NVIDIA GeForce RTX)" : ask.call(this, what)
             }
           }"""
    )
    plot = opened(page, static, plots)
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -300)
    now = settled(page, plot)
    assert now["backend"] == "webgl"
    assert_is_oracle(now, MANY_X, MANY_Y)
    # Bokeh really found its WebGL: without it the line would silently be drawn by the canvas
    assert evaluate(page, "return dense_plot().canvas_view.webgl !== null")
    page.close()
    watch.check()


def test_lines_and_markers_lie_where_their_values_are(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    now = settled(page, plot)
    plot.overlay.lines = [Line(y=(now["low"] + now["high"]) / 2, label="half")]
    page.wait_for_selector("text=half", state="attached")
    line = page.locator(".rtlab-overlay line").first
    frame = evaluate(page, "const { top, bottom } = dense_plot().frame.bbox; return (top + bottom) / 2")
    assert float(line.get_attribute("y1") or 0) == pytest.approx(frame, abs=1)
    assert page.locator(".rtlab-overlay circle:not(.newest)").count() == 1
    plot.overlay.lines, plot.overlay.markers = (), ()
    until(lambda: page.locator(".rtlab-overlay line").count() == 0, "gone", page=page)


def test_before_the_first_point_the_badge_says_so_and_the_first_one_is_a_dot(
    page: Page, serve: Serve, plots: Plots
):
    def app() -> LayeredPlot:
        return plots.keep(LayeredPlot(x="number"))

    page.goto(serve(app))
    until(lambda: plots.made and plots.made[-1]() and plots.newest.follow, "live", page=page)
    until(lambda: state(page)["badge"] == "no points yet", "the badge", page=page)
    plots.newest.append([5.0], [7.0])
    page.wait_for_selector(".rtlab-overlay .newest", state="attached")
    now = state(page)
    assert (now["x"], now["y"]) == ([5.0], [7.0])
    assert now["badge"] == "● live · 1 of 1 points · exact · 0 merged · 0 dropped"


def test_the_theme_changes_while_it_is_shown(chart: tuple[Page, LayeredPlot]):
    page, plot = chart
    plot.theme = "dark"
    fill = "return dense_plot().model.background_fill_color"
    until(lambda: evaluate(page, fill) == "#131920", "dark", page=page)
    assert "rgb(19, 25, 32)" in str(page.locator(".rtlab-badge").get_attribute("style"))
    plot.theme = "light"
    until(lambda: evaluate(page, fill) != "#131920", "light again", page=page)


def test_when_python_is_silent_the_badge_says_so_and_when_it_is_back_too(
    page: Page, live: str, plots: Plots, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(overlay, "BEAT_S", 0.2)
    plot = opened(page, live, plots)
    settled(page, plot)
    heartbeat = plot.overlay._heartbeat
    assert heartbeat is not None
    heartbeat.beat()  # the page knows from now on how often it is asked
    until(lambda: not heartbeat._unheard, "an answer", page=page)
    assert "no answer" not in state(page)["badge"]
    heartbeat.stop()
    with monkeypatch.context() as mute:
        mute.setattr(plot, "_answer", lambda ask: None)
        until(lambda: "no answer" in state(page)["badge"], "the silence", page=page)
        plot.append([2000.0], [0.0])
        until(lambda: "live" in state(page)["badge"], "the voice", page=page)
        until(lambda: "no answer" in state(page)["badge"], "the silence", page=page)
    until(lambda: "live" in state(page)["badge"], "what was lost is asked for again", page=page)


def test_two_fingers_zoom_and_one_moves(browser: Browser, static: str, plots: Plots):
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    plot = opened(page, static, plots)
    before = settled(page, plot)
    fingers = context.new_cdp_session(page)
    x, y = middle(page)

    def touch(kind: str, *at: float) -> None:
        points = [{"x": x + px, "y": y, "id": i} for i, px in enumerate(at)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -20)
    touch("touchStart", -20, 20)
    for apart in (40, 60, 80):
        touch("touchMove", -apart, apart)
    touch("touchEnd")
    zoomed = settled(page, plot)
    span = zoomed["end"] - zoomed["start"]
    assert span == pytest.approx((before["end"] - before["start"]) / 4, rel=0.1)
    touch("touchStart", 0)
    for px in (10, 40, 60):
        touch("touchMove", px)
    touch("touchEnd")
    moved = settled(page, plot)
    assert moved["end"] - moved["start"] == pytest.approx(span)
    assert moved["start"] == pytest.approx(zoomed["start"] - 60 * span / zoomed["width"], abs=span / 20)
    assert_is_oracle(moved, MANY_X, MANY_Y)
    context.close()


def test_a_closed_page_frees_its_plot(browser: Browser, static: str, plots: Plots):
    page = browser.new_page()
    plot = opened(page, static, plots)
    gone = weakref.ref(plot)
    del plot
    page.close()

    def freed() -> bool:
        gc.collect()
        return gone() is None

    until(freed, "the plot is freed", 20, every=0.5)  # each look collects all garbage


def test_removing_the_plot_from_a_page_leaves_nothing_behind(page: Page, serve: Serve, plots: Plots):
    columns: list[pn.Column] = []

    def app() -> pn.Column:
        plot = plots.keep(LayeredPlot(Pyramid([0.0, 1.0], [0.0, 1.0]), x="number"))
        columns.append(pn.Column(plot))
        columns[-1].append(pn.pane.Str("other"))
        return columns[-1]

    plot = opened(page, serve(app), plots)
    document = plot.overlay._documents or plot.overlay._models
    assert document
    view(plot).add_next_tick_callback(lambda: columns[-1].pop(0))
    until(lambda: page.locator(".rtlab-overlay").count() == 0, "the overlay is gone", page=page)
    until(lambda: not plot.overlay.seen, "nobody looks", page=page)
    plot.append([2.0], [5.0])
    assert not plot.follow
