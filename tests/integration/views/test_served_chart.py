"""A chart in a served page: what of it waits for the page's document."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from support.page_socket import document_of, looking, message, say, serving, told

from rtlab.views import LayeredPlot, Pyramid

X = np.arange(10_000.0)


class Looked:
    """A chart that follows, in a page whose browser has its first window."""

    def __init__(self, plot: LayeredPlot, browser: Any) -> None:
        self.plot, self.browser = plot, browser
        self.session = document_of(plot.overlay).session_context.session
        self.came, self.seen_under_lock = threading.Event(), False
        say(browser, plot.overlay, {"mount": "m", "type": "hello", "renderer": "", "width": 900})
        window = {"view": 0, "x0": 9000.0, "x1": 9999.0, "width": 800, "live": True}
        say(browser, plot.overlay, {"mount": "m", "type": "ask", **window})
        assert self.columns()["whole"]

    def columns(self) -> dict[str, Any]:
        while (said := told(message(self.browser)[1])).get("type") != "columns":
            pass
        return said

    async def append_under_lock(self, seconds: float) -> None:
        with await self.session._lock.acquire():
            self.plot.append(X[-1] + np.arange(1, 4.0), np.zeros(3))
            self.seen_under_lock = await asyncio.to_thread(self.came.wait, seconds)

    def news_while_locked(self, seconds: float) -> bool:
        self.session._loop.add_callback(self.append_under_lock, seconds)
        assert self.columns()["last"] == X[-1] + 3
        self.came.set()
        return self.unlocked()

    def unlocked(self) -> bool:
        free = threading.Event()

        async def look() -> None:
            with await self.session._lock.acquire():
                free.set()

        self.session._loop.add_callback(look)
        assert free.wait(20)
        return self.seen_under_lock


@contextmanager
def looked_at(on_window: Callable[[float, float], None] | None) -> Iterator[Looked]:
    plots: list[LayeredPlot] = []

    def app() -> LayeredPlot:
        plots.append(LayeredPlot(Pyramid(X, np.sin(X)), x="number", on_window=on_window))
        return plots[-1]

    with serving(app) as url, looking(url) as browser:
        yield Looked(plots[-1], browser)


def test_news_are_sent_while_somebody_holds_the_document():
    with looked_at(None) as chart:
        assert chart.news_while_locked(20)


def test_where_a_new_window_may_change_models_news_wait_for_the_document():
    windows: list[tuple[float, float]] = []
    with looked_at(lambda x0, x1: windows.append((x0, x1))) as chart:
        assert not chart.news_while_locked(0.5)
    assert len(windows) == 2
