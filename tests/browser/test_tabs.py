"""What `.show()` opens: whole in every tab, several at once, and again when all of them were closed."""

import gc
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import numpy as np
import panel as pn
import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until

import rtlab
from rtlab.lab.dashboard import Dashboard
from rtlab.lab.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
N = 100_000
LINE = """
const plot = dense_plot()
return plot ? plot.model.renderers[0].data_source.data.x.length : 0
"""
CANDLES = """
const view = find_view((v) => Array.isArray(v.model.renderers)
  && v.model.renderers.some((r) => r.data_source?.data.close))
return view ? view.model.renderers.find((r) => r.data_source?.data.close).data_source.data.x.length : 0
"""


def in_a_script(make: Callable[[], Any]) -> Any:
    """Give what a thread without an event loop makes, as a script is one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(make).result()


class Served:
    def __init__(self, view: Any) -> None:
        before = set(pn.state._servers)
        self._thread = view.show(
            open=False,
            threaded=True,
            verbose=False,
            unused_session_lifetime_milliseconds=5000,
            check_unused_sessions_milliseconds=500,
        )
        [name] = until(lambda: set(pn.state._servers) - before, "the server")
        self.server = pn.state._servers[name][0]
        self.address = f"http://127.0.0.1:{self.server.port}/"

    def sessions(self) -> int:
        return len(self.server.get_sessions())

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *problem: object) -> None:
        self._thread.stop()
        self._thread.join(10)


@contextmanager
def tab(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    try:
        page.goto(address)
        yield page
    finally:
        page.close()
    watch.check()


def comes_back(browser: Browser, view: Any, is_whole: Callable[[Page], object], log: Any) -> None:
    with Served(view) as served:
        urlopen(served.address).read()  # who takes the page and never opens its socket
        with tab(browser, served.address) as first, tab(browser, served.address) as second:
            for page in (first, second, first):
                until(lambda page=page: is_whole(page), "a whole tab", 20, page=page)
        until(lambda: served.sessions() == 0, "the end of all sessions", 30)
        with tab(browser, served.address) as again:
            until(lambda: is_whole(again), "the tab that was opened again", 20, page=again)
        until(lambda: served.sessions() == 0, "the end of the last session", 30)
    assert [one.getMessage() for one in log.records if one.levelno >= logging.ERROR] == []


def until_freed(is_free: Callable[[], bool]) -> None:
    until(lambda: gc.collect() >= 0 and is_free(), "what tabs held is freed", 20, every=0.5)


def test_a_plot_and_nothing_of_a_closed_tab_is_kept(browser: Browser, caplog: pytest.LogCaptureFixture):
    plot = rtlab.plot(np.sin(np.arange(N) / 9000))
    comes_back(browser, plot, lambda page: 900 < evaluate(page, LINE) < 5000, caplog)

    others = (plot._tabs, plot.view._others, plot.view.overlay._others)
    until_freed(lambda: sum(len(one.all()) for one in others) == 0)


def test_all_tabs_show_what_comes_and_each_looks_where_it_wants(browser: Browser):
    plot = rtlab.plot(np.sin(np.arange(N) / 9000))
    with (
        Served(plot) as served,
        tab(browser, served.address) as first,
        tab(browser, served.address) as second,
    ):
        for page in (first, second):
            until(lambda page=page: evaluate(page, LINE) > 900, "both tabs", page=page)
        plot.append(np.full(N, 7.0))
        plot.view.overlay.lines = [rtlab.views.Line(y=7.0, label="a line of both")]
        for page in (first, second):
            page.locator(".rtlab-badge").get_by_text("of 200K points").wait_for()
            page.get_by_text("a line of both").wait_for()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    made = in_a_script(rtlab.demo)
    yield made
    made.close()


def test_the_page_of_a_lab(browser: Browser, lab: Lab, caplog: pytest.LogCaptureFixture):
    def is_whole(page: Page) -> bool:
        return page.locator(".health.live").count() > 0 and page.locator(".ladder .bid .price").count() > 4

    dashboard = in_a_script(lab.dashboard)
    comes_back(browser, dashboard, is_whole, caplog)
    until_freed(lambda: [one for one in gc.get_objects() if type(one) is Dashboard] == [dashboard])


def test_the_candles_of_a_stream(browser: Browser, lab: Lab, caplog: pytest.LogCaptureFixture):
    shown = in_a_script(lambda: lab.stream("trades", "BTC-USD").bars("100ms").plot())
    until(lambda: shown.view is not None and len(shown.view.bars) > 5, "the first candles")
    comes_back(browser, shown, lambda page: evaluate(page, CANDLES) > 5, caplog)
    until_freed(lambda: not shown._tabs.all() and not shown.view._others.all())


def test_the_prices_of_a_stream_that_is_still_silent(
    browser: Browser, caplog: pytest.LogCaptureFixture, lab: Lab
):
    shown = in_a_script(lambda: lab.stream("trades", "ETH-USD").plot())
    comes_back(browser, shown, lambda page: evaluate(page, LINE) > 1, caplog)
