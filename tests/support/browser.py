"""A headless Chromium for tests, and pages that remember what went wrong in them."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from support.recorded import missing

from rtlab.cli.browser import FLAGS, chromium_path

HERE = {"127.0.0.1", "localhost", "::1", ""}

# Bokeh's view of the model with this id, wherever it is on the page; `undefined` when there is none
FIND_VIEW = """
const find_view = (wanted) => {
  const walk = (view) => {
    if (wanted(view)) return view
    for (const child of view.children_views()) { const found = walk(child); if (found) return found }
  }
  for (const root of Bokeh.index.roots) { const found = walk(root); if (found) return found }
}
const dense_plot = () => find_view((view) =>
  Array.isArray(view.model.renderers) && view.model.renderers.some((r) => r.name === "dense"))
"""


def executable() -> str:
    """Where Chromium is; skips where there is none, fails in CI."""
    path = chromium_path()
    if not path:
        missing("no Chromium on the PATH")
        raise AssertionError
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser of its own, and end it."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What a page did that it should not: errors on its console, requests to other hosts."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in HERE:
            self.outside.append(url)

    def check(self, *, allowed: str = r"(?!)") -> None:
        """Fail if there was any; errors that match the pattern `allowed` are no fault of ours."""
        errors = [error for error in self.errors if not re.search(allowed, error)]
        assert errors == [], errors
        assert self.outside == [], self.outside


def until(
    condition: Callable[[], Any],
    what: str,
    seconds: float = 15.0,
    *,
    page: Page | None = None,
    every: float = 0.02,
) -> Any:
    """Wait for something to be true and give it, looking `every` so many s; with a `page`, its events go on."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds} s")
        if page is not None:
            page.wait_for_timeout(1000 * every)
        else:
            time.sleep(every)
    return value


def evaluate(page: Page, body: str, argument: Any = None) -> Any:
    """Run the body of a function of `a` in the page, with `find_view` and `dense_plot` at hand."""
    return page.evaluate(f"(a) => {{ {FIND_VIEW} {body} }}", argument)
