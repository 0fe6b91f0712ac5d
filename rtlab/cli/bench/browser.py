"""A headless Chromium for a benchmark: where it is, or why there is none, and a page in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rtlab.cli.browser import FLAGS, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Page


def chromium() -> tuple[str, str]:
    """Give (the path of Chromium, "") or ("", why a benchmark cannot drive one)."""
    path = chromium_path()
    if not path:
        return "", "no chromium on the PATH"
    return (path, "") if find_spec("playwright") else ("", "playwright is not installed")


@contextmanager
def opened(path: str, url: str, width: int, height: int) -> "Iterator[Page]":
    """Open a page of that size, in CSS pixels, in a Chromium of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(url)
            yield page
        finally:
            browser.close()
