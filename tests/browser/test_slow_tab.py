"""A tab with a twentieth of its processor, and a hidden one: what the others notice, and how they come back."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from support.browser import evaluate, until

from rtlab.views import LayeredPlot, Pyramid
from rtlab.views.beat import WINDOW

pytestmark = pytest.mark.browser

HZ = 20
SPAN_MS = 5000.0
# the age of the newest point on the screen, in ms
AGE = """
const [line] = dense_plot().model.renderers
return Date.now() - line.data_source.data.x.at(-1)
"""
# a browser gives a hidden tab no animation frames; the first after it is shown again bring what waits
HIDE = """
window.frames_of = window.requestAnimationFrame
window.waiting = []
window.requestAnimationFrame = (callback) => window.waiting.push(callback)
0
"""
SHOW = """
window.requestAnimationFrame = window.frames_of
for (const callback of window.waiting) requestAnimationFrame(callback)
"""


class Served:
    """One series that grows, and a chart of it for each tab, in the order of the tabs."""

    def __init__(self) -> None:
        self.pyramid = Pyramid([time.time() * 1000], [0.0])
        self.plots: list[LayeredPlot] = []
        self.over = threading.Event()
        self._random = np.random.default_rng(3)

    def page(self) -> LayeredPlot:
        self.plots.append(LayeredPlot(self.pyramid, span=SPAN_MS))
        return self.plots[-1]

    def feed(self) -> None:
        while not self.over.wait(1 / HZ):
            newest = float(self.pyramid.x[-1])
            now = time.time() * 1000
            x = newest + (now - newest) * (1 + np.arange(500)) / 500
            self.pyramid.append(x, self._random.standard_normal(500).cumsum())
            for plot in list(self.plots):
                plot.refresh()


@pytest.fixture(scope="module")
def charts() -> Iterator[Served]:
    served = Served()
    thread = threading.Thread(target=served.feed)
    thread.start()
    yield served
    served.over.set()
    thread.join(10)


@pytest.fixture(scope="module")
def tabs(
    browser: Browser, serve: Callable[[Callable[[], object]], str], charts: Served
) -> Iterator[list[Page]]:
    url, opened = serve(charts.page), []
    for count in (1, 2):
        opened.append(browser.new_context().new_page())
        opened[-1].goto(url)
        opened[-1].wait_for_selector(".rtlab-badge")
        until(lambda count=count: charts.plots[count - 1].statistics().drawn > 5, "it moves", page=opened[-1])
    yield opened
    for page in opened:
        page.context.close()


def rates_while_the_other_is_drawn(plots: list[LayeredPlot], tab: Page, times: int) -> list[float]:
    """Wait until the other tab was drawn so many times; drawings a second of the tab and of the other."""
    before, began = [plot.statistics().drawn for plot in plots], time.monotonic()
    until(lambda: plots[1].statistics().drawn - before[1] >= times, "the other goes on", 60, page=tab)
    passed = time.monotonic() - began
    return [(plot.statistics().drawn - n) / passed for plot, n in zip(plots, before, strict=True)]


def age(page: Page) -> float:
    return float(evaluate(page, AGE))


def come_back(
    charts: Served, tab: Page, other: Page, back: Callable[[], Any], what: str, capsys: Any
) -> None:
    plot = charts.plots[0]
    back()  # a browser takes seconds to give a throttled tab its processor again
    before, began = plot.statistics().drawn, time.monotonic()
    until(lambda: age(tab) < age(other) + 2000 / HZ, "it is as new as the other", page=tab)
    seconds, drawn = time.monotonic() - began, plot.statistics().drawn - before
    # not what it missed: what was under way, and what came since
    assert drawn <= WINDOW + HZ * seconds + 1
    with capsys.disabled():
        print(f"\n{what}: current {1000 * seconds:.0f} ms after it came back, {drawn} drawings")


def test_a_throttled_tab_slows_nobody_and_is_current_when_it_is_quick_again(
    charts: Served, tabs: list[Page], capsys: Any
):
    slow, other = tabs
    _, alone = rates_while_the_other_is_drawn(charts.plots, other, 15)
    browser = slow.context.new_cdp_session(slow)
    browser.send("Emulation.setCPUThrottlingRate", {"rate": 20})
    throttled, beside = rates_while_the_other_is_drawn(charts.plots, other, 30)
    with capsys.disabled():
        print(f"\na 20 x slower tab: {throttled:.1f} drawings/s; the other {beside:.1f}, {alone:.1f} before")
    come_back(
        charts,
        slow,
        other,
        lambda: browser.send("Emulation.setCPUThrottlingRate", {"rate": 1}),
        "throttled",
        capsys,
    )


def test_a_hidden_tab_is_sent_nothing_more_and_is_current_when_it_is_shown(
    charts: Served, tabs: list[Page], capsys: Any
):
    hidden, other = tabs
    hidden.evaluate(HIDE)
    before, began = charts.plots[0].statistics().drawn, time.monotonic()
    rates_while_the_other_is_drawn(charts.plots, other, 3 * WINDOW)
    # one more each five seconds, in case that something was lost
    most = WINDOW + 4 + 1 + (time.monotonic() - began) / 5
    assert charts.plots[0].statistics().drawn - before <= most
    come_back(charts, hidden, other, lambda: hidden.evaluate(SHOW), "hidden", capsys)
