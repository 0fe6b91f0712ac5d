import asyncio
import threading
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from support.fake_page import FakePage
from support.m4_oracle import brute_force
from support.waiting import until

from rtlab.errors import ConfigError, LocalError, StoreError
from rtlab.views.layered import LayeredPlot
from rtlab.views.marks import Line
from rtlab.views.past import Past
from rtlab.views.pyramid import Pyramid

RANDOM = np.random.default_rng(9)
X = np.cumsum(RANDOM.exponential(1, 50_000))
Y = np.cumsum(RANDOM.standard_normal(50_000))


class Browser:
    """The browser's half of a plot, as far as Python can tell."""

    def __init__(self, plot: LayeredPlot, renderer: str = "llvmpipe", mount: str = "m") -> None:
        self.plot, self.mount = plot, mount
        self.page = FakePage(plot)
        self.say(type="hello", renderer=renderer, width=1000)
        self.view = -1

    def say(self, **message: object) -> None:
        self.page.say(self.plot.overlay, {"mount": self.mount, **message})

    def ask(self, x0: float, x1: float, width: int = 900, *, live: bool = False) -> dict[str, Any]:
        self.view += 1
        self.say(type="ask", view=self.view, x0=float(x0), x1=float(x1), width=width, live=live)
        return self.columns[-1]

    def painted(self) -> None:
        drawing = max((c["drawing"] for c in self.columns), default=0)
        self.say(type="painted", drawing=drawing, shown=77, dropped=2)

    @property
    def columns(self) -> list[dict[str, Any]]:
        return self.page.of("columns")


def points(columns: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    sent = columns["points"]
    both = np.frombuffer(b64decode(sent)) if isinstance(sent, str) else sent
    return both[: len(both) // 2], both[len(both) // 2 :]


@pytest.fixture
def plot() -> LayeredPlot:
    return LayeredPlot(Pyramid(X, Y), title="walk", x="number")


def test_before_a_browser_has_said_what_draws_its_gl_there_is_no_figure(plot):
    page = FakePage(plot)
    assert plot.statistics().output_backend == ""
    assert len(plot.__panel__()) == 1
    page.say(plot.overlay, {"type": "hello", "mount": "m", "renderer": "Apple M2", "width": 900})
    assert plot.statistics().output_backend == "webgl"
    assert plot.overlay.figure_id == plot.__panel__()[1].object.id
    page.close()


def test_a_software_gl_gets_the_canvas(plot):
    Browser(plot, "llvmpipe (LLVM 15)").page.close()
    assert plot.statistics().output_backend == "canvas"


def test_the_first_figure_shows_everything(plot):
    browser = Browser(plot)
    plot_range = plot.__panel__()[1].object.x_range
    assert (plot_range.start, plot_range.end) == (X[0], X[-1])
    browser.page.close()


def test_a_span_is_the_last_part_of_it():
    plot = LayeredPlot(Pyramid(X, Y), x="number", span=100.0)
    browser = Browser(plot)
    plot_range = plot.__panel__()[1].object.x_range
    assert plot_range.end - plot_range.start == pytest.approx(100.0)
    assert plot_range.end == X[-1]
    browser.page.close()


def test_a_window_is_answered_with_its_m4(plot):
    browser = Browser(plot)
    columns = browser.ask(1000.0, 30_000.0)
    expected = brute_force(X, Y, 1000.0, 30_000.0, 900)
    x, y = points(columns)
    assert np.array_equal(x, X[expected])
    assert np.array_equal(y, Y[expected])
    assert columns["whole"]
    assert columns["answer"]
    assert not columns["live"]
    assert (columns["first"], columns["last"], columns["held"]) == (X[0], X[-1], len(X))
    assert plot.window == (1000.0, 30_000.0)
    assert not plot.follow
    browser.page.close()


def test_history_never_travels_wholesale(plot):
    browser = Browser(plot)
    browser.ask(X[0], X[-1], 400)
    assert len(browser.columns[-1]["points"]) <= 2 * (4 * 400 + 2)
    assert len(plot.__panel__()[1].object.renderers[0].data_source.data["x"]) <= 4 * 1000 + 2
    browser.page.close()


def test_while_live_only_what_is_new_travels(plot):
    browser = Browser(plot)
    whole = browser.ask(X[-1] - 1000, X[-1], live=True)
    assert plot.follow
    assert whole["whole"]
    plot.append(X[-1] + np.arange(1, 4.0), np.zeros(3))
    news = browser.columns[-1]
    assert not news["whole"]
    assert not news["answer"]
    assert len(points(news)[0]) <= 8
    assert len(news["points"]) < 200  # as text
    assert news["x1"] > X[-1] + 3
    assert news["streaming"]
    browser.page.close()


def test_many_appends_are_gathered_until_the_next_drawing(plot):
    browser = Browser(plot)
    browser.ask(X[-1] - 1000, X[-1], live=True)
    for i in range(500):
        plot.append(X[-1] + i, 0.0)
    statistics = plot.statistics()
    assert statistics.drawn < 20
    assert statistics.merged > 400
    browser.page.close()


def test_a_browser_that_paints_nothing_gets_nothing_more(plot):
    browser = Browser(plot)
    browser.ask(X[-1] - 1000, X[-1], live=True)
    start = len(browser.columns)
    deadline = threading.Event()
    for i in range(60):
        plot.append(X[-1] + i, 0.0)
        deadline.wait(0.012)
    silent = len(browser.columns) - start
    assert 2 <= silent <= 8
    browser.painted()
    assert len(browser.columns) - start == silent + 1
    assert points(browser.columns[-1])[0][-1] == X[-1] + 59
    browser.page.close()


def test_paused_nothing_is_sent(plot):
    browser = Browser(plot)
    browser.ask(0.0, 100.0)
    before = len(browser.page.said)
    plot.append(X[-1] + 1, 0.0)
    assert len(browser.page.said) == before
    browser.page.close()


def test_statistics_tell_what_was_done(plot):
    browser = Browser(plot)
    for _ in range(3):
        browser.ask(0.0, 100.0)
    browser.say(type="ask", view=9, x0=5.0, x1=5.0, width=10, live=False)
    browser.painted()
    statistics = plot.statistics()
    assert (statistics.asked, statistics.answered, statistics.refused) == (3, 3, 1)
    assert (statistics.dropped, statistics.shown, statistics.held) == (2, 77, 50_000)
    assert 0 < statistics.python_p50_ms <= statistics.python_p95_ms
    browser.page.close()


def test_follow_is_asked_of_the_browser(plot):
    browser = Browser(plot)
    plot.follow = True
    plot.follow = False
    assert [message["on"] for message in browser.page.of("follow")] == [True, False]
    browser.page.close()


def test_the_newest_browser_is_served_and_an_older_one_is_not(plot):
    browser = Browser(plot, mount="old")
    browser.ask(0.0, 100.0)
    browser.say(type="hello", mount="new", renderer="Apple M2", width=500)
    before = len(browser.columns)
    browser.say(type="ask", view=9, x0=0.0, x1=50.0, width=10, live=False)
    assert len(browser.columns) == before
    browser.say(type="ask", mount="new", view=0, x0=0.0, x1=50.0, width=10, live=False)
    assert browser.columns[-1]["mount"] == "new"
    assert plot.statistics().output_backend == "canvas"
    browser.page.close()


def test_a_page_that_went_is_sent_nothing_and_may_come_back(plot):
    browser = Browser(plot)
    browser.ask(0.0, 100.0, live=True)
    browser.page.close()
    assert not plot.follow
    assert plot.window is None
    plot.append(X[-1] + 1, 0.0)
    again = Browser(plot, mount="again")
    columns = again.ask(0.0, X[-1], live=True)
    assert columns["held"] == len(X) + 1
    again.page.close()


def test_who_wants_to_know_is_told_each_new_window():
    told: list[tuple[float, float]] = []
    plot = LayeredPlot(Pyramid(X, Y), x="number", on_window=lambda x0, x1: told.append((x0, x1)))
    browser = Browser(plot)
    browser.ask(5.0, 6.0)
    assert told == [(5.0, 6.0)]
    browser.page.close()


def test_lines_are_told_to_a_browser_that_comes_later(plot):
    plot.overlay.lines = [Line(y=3.0)]
    browser = Browser(plot)
    assert browser.page.of("marks")[-1]["lines"][0]["y"] == 3.0
    browser.page.close()


def test_an_empty_plot_begins_now_and_takes_the_first_point():
    plot = LayeredPlot()
    browser = Browser(plot)
    figure = plot.__panel__()[1].object
    assert figure.x_range.end - figure.x_range.start == pytest.approx(60_000)
    first = browser.ask(figure.x_range.start, figure.x_range.end, live=True)
    assert len(points(first)[0]) == 0
    assert "last" not in first
    plot.append([figure.x_range.end + 500], [4.0])
    assert points(browser.columns[-1])[1].tolist() == [4.0]
    browser.page.close()


def test_points_that_cannot_be_drawn_are_refused_and_the_plot_goes_on(plot):
    browser = Browser(plot)
    browser.ask(X[-1] - 10, X[-1], live=True)
    with pytest.raises(LocalError, match="x decreases at position 0"):
        plot.append([0.0], [1.0])
    plot.append([X[-1] + 1], [1.0])
    assert browser.columns[-1]["last"] == X[-1] + 1
    browser.page.close()


def test_the_theme_may_change_before_and_after_it_is_shown(plot):
    plot.theme = "dark"
    browser = Browser(plot)
    figure = plot.__panel__()[1].object
    assert figure.background_fill_color == "#131920"
    plot.theme = "light"
    assert figure.background_fill_color == "#ffffff"
    assert plot.overlay.colours["name"] == plot.theme == "light"
    browser.page.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"x": "words"}, 'expected "time" or "number", got words'),
        ({"span": 0.0}, "expected a finite number > 0, got 0.0"),
        ({"span": float("nan")}, "expected a finite number > 0, got nan"),
        ({"theme": "pink"}, 'expected "light" or "dark", got pink'),
        ({"kind": "bars"}, 'there is no such kind of plot: expected "line" or "scatter", got bars'),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        LayeredPlot(**settings)


def test_without_a_height_it_fills_its_place():
    assert LayeredPlot(height=None).__panel__().sizing_mode == "stretch_both"
    assert LayeredPlot(height=200).__panel__().height == 200


class Slow:
    """A past whose pages come when they are let."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.problem: StoreError | None = None
        self.reads = 0

    def read(self, x0: float, x1: float) -> tuple[np.ndarray, np.ndarray]:
        self.reads += 1
        assert self.gate.wait(10)
        if self.problem is not None:
            raise self.problem
        part = slice(*np.searchsorted(X, [x0, x1]))
        return X[part], Y[part]


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def panned(slow: Slow) -> Browser:
    """Only the last 1,000 points are in memory."""
    browser = Browser(LayeredPlot(Pyramid(X[-1000:], Y[-1000:]), x="number", past=Past(slow.read)))
    yield browser
    browser.page.close()


async def test_a_window_before_memory_is_drawn_with_what_there_is_and_again_when_the_rest_was_read(
    slow, panned
):
    x0, x1 = X[-3000], X[-500]
    at_once = panned.ask(x0, x1)
    assert points(at_once)[0][0] == X[-1000]
    assert at_once["first"] == pytest.approx(X[-1000] - (x1 - x0))
    slow.gate.set()
    await until(lambda: len(panned.columns) == 2)
    read = panned.columns[-1]
    assert (read["view"], read["answer"], read["whole"]) == (at_once["view"], False, True)
    x, y = points(read)
    drawn = {float(one) for one in x}
    assert {float(X[i]) for i in brute_force(X, Y, x0, x1, 900)} <= drawn <= set(X.tolist())
    assert y.tolist() == Y[np.searchsorted(X, x)].tolist()
    assert read["held"] > 3000
    # from now on it is in memory
    assert points(panned.ask(x0, x1))[0].tolist() == x.tolist()
    assert panned.plot.past.statistics().pages == 1


async def test_what_was_read_for_a_window_that_was_left_is_kept_but_not_sent(slow, panned):
    panned.ask(X[-3000], X[-500])
    panned.ask(X[-900], X[-100])
    slow.gate.set()
    await until(lambda: panned.plot.past.statistics().late)
    assert [columns["view"] for columns in panned.columns] == [0, 1]
    assert len(panned.plot.past.pyramid) > 2000


async def fail(slow: Slow, panned: Browser) -> None:
    """Look at what can not be read, and be told."""
    slow.problem = StoreError("nothing is kept of it", expected="a recording")
    slow.gate.set()
    panned.ask(X[-3000], X[-500])
    await until(lambda: "nothing is kept of it" in panned.plot.overlay.notice)


async def test_why_nothing_could_be_read_is_told_in_the_plot(slow, panned):
    await fail(slow, panned)
    slow.problem = None
    panned.ask(X[-3001], X[-500])
    await until(lambda: panned.plot.overlay.notice == "")


async def test_what_failed_is_not_tried_again_before_the_next_window(slow, panned):
    await fail(slow, panned)
    await until(lambda: len(panned.columns) == 2)
    past = panned.plot.past
    await asyncio.wrap_future(past._thread.submit(lambda: None))  # what it began would have run by then
    assert slow.reads == 1
    panned.ask(X[-3001], X[-500])
    await until(lambda: len(panned.columns) == 4)
    assert slow.reads == 2


@pytest.mark.parametrize("live", [False, True])
async def test_the_reason_goes_with_the_window_that_lacked_something(slow, panned, live):
    await fail(slow, panned)
    panned.ask(X[-900], X[-1], live=live)
    assert panned.plot.overlay.notice == ""


async def test_the_reason_goes_where_the_page_came_for_a_window_that_was_left(slow, panned):
    await fail(slow, panned)
    slow.problem = None
    slow.gate.clear()
    panned.ask(X[-3001], X[-500])
    panned.ask(X[-2999], X[-500])
    slow.gate.set()
    await until(lambda: panned.plot.past.statistics().pages)
    panned.ask(X[-2998], X[-500])
    assert panned.plot.overlay.notice == ""


def test_another_tab_shows_what_the_plot_is_given_and_moves_by_itself(plot):
    plot.overlay.notice = "told before"
    other = plot.another()
    first, second = Browser(plot), Browser(other)
    first.ask(X[0], X[100])
    second.ask(0, X[-1], live=True)
    plot.append([X[-1] + 1], [7.0])
    assert second.columns[-1]["last"] == X[-1] + 1
    assert plot.window == (X[0], X[100])
    assert second.page.of("marks")[-1]["notice"] == "told before"
    moved = []
    plot.overlay.on_line = moved.append
    plot.overlay.lines = [Line(y=1.0, name="stop")]
    second.say(type="moved", name="stop", y=2.0)
    assert plot.overlay.lines == other.overlay.lines == tuple(moved) == (Line(y=2.0, name="stop"),)
    assert first.page.of("marks")[-1]["lines"][0]["y"] == 2.0
    plot.theme = "dark"
    assert other.theme == "dark"
    first.page.close()
    second.page.close()
