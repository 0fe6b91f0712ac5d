"""The market page of `rtlab demo`, as a person sees it: a real server process, feed and browser."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / ".shots"

PRICE = """
const plot = dense_plot()
if (!plot) return null
const source = plot.model.renderers.find((r) => r.name === "dense").data_source
return source.data.x.length ? [source.data.x.at(-1), source.data.y.at(-1)] : null
"""
# what each panel shows now, as text or numbers: two different answers mean that it moved
SHOWN = """
const all = [], figures = []
const walk = (node) => {
  for (const one of node.querySelectorAll("*")) {
    all.push(one)
    if (one.shadowRoot) walk(one.shadowRoot)
  }
}
const text = (wanted) => all.filter((one) => one.matches(wanted)).map((one) => one.innerText).join("|")
const tail = (source) => Object.values(source.data).map((column) => [...column].slice(-3).join()).join("/")
const views = (view) => {
  const { renderers } = view.model
  const sources = Array.isArray(renderers) ? renderers.filter((r) => r.data_source) : []
  if (sources.length) figures.push(sources.map((r) => tail(r.data_source)).join())
  view.children_views().forEach(views)
}
walk(document)
Bokeh.index.roots.forEach(views)
const background = getComputedStyle(all.find((one) => one.matches(".market"))).backgroundColor
return { ladder: text(".ladder-face"), tape: text(".tape-face"), pill: text(".pill"), figures, background }
"""


@pytest.fixture(scope="module")
def market() -> Iterator[str]:
    """The address of the page of a demo in a process of its own."""
    command = [sys.executable, "-m", "rtlab", "demo", "--dashboard-port", "0", "--for", "10m"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as demo:
        assert demo.stdout is not None
        yield re.findall(r"http://\S+", demo.stdout.readline())[0]
        demo.terminate()
        assert demo.wait(20) == 0


def _shown(page: Page) -> dict[str, object]:
    return evaluate(page, SHOWN)


def _height(width: int) -> int:
    return 844 if width < 500 else 900 if width < 2000 else 1300


def _open(browser: Browser, url: str, width: int, scheme: str) -> tuple[Page, Watch]:
    page = browser.new_page(viewport={"width": width, "height": _height(width)}, color_scheme=scheme)
    watch = Watch(page)
    page.goto(url)
    until(lambda: evaluate(page, PRICE), "a price line", 30, page=page)
    return page, watch


def test_price_ladder_depth_and_tape_move(browser: Browser, market: str) -> None:
    page, watch = _open(browser, market, 1280, "light")
    first, price = _shown(page), evaluate(page, PRICE)
    until(lambda: evaluate(page, PRICE)[0] > price[0], "the price line moves", page=page)
    for part in ("ladder", "tape"):
        assert first[part], f"no {part} on the page"
        until(lambda part=part: _shown(page)[part] != first[part], f"the {part} moves", page=page)
    for i in range(len(first["figures"])):
        until(lambda i=i: _shown(page)["figures"][i] != first["figures"][i], f"figure {i} moves", page=page)
    assert len(first["figures"]) == 3  # price, candles, depth
    page.close()
    watch.check()


@pytest.mark.parametrize(
    ("scheme", "widths"), [("light", (390, 1280, 2560)), ("dark", (2560, 1280, 390))], ids=["light", "dark"]
)
def test_it_fits_every_screen_in_light_and_dark(
    browser: Browser, market: str, scheme: str, widths: tuple[int, ...]
) -> None:
    page, watch = _open(browser, market, widths[0], scheme)
    for width in widths:
        page.set_viewport_size({"width": width, "height": _height(width)})
        before = evaluate(page, PRICE)[0]
        until(lambda before=before: evaluate(page, PRICE)[0] > before + 2000, "two seconds", page=page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        red = int(re.findall(r"\d+", _shown(page)["background"])[0])
        assert red > 200 if scheme == "light" else red < 60
        SHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SHOTS / f"market-{width}-{scheme}.png", full_page=width < 500)
        if os.environ.get("PICTURE") and (width, scheme) == (1280, "light"):
            page.locator(".candles .bar button").nth(1).click()
            until(lambda: evaluate(page, PRICE)[0] > before + 60_000, "a minute to look at", 120, page=page)  # noqa: B023
            page.screenshot(path=ROOT / "dashboards" / "market.png")
    page.close()
    watch.check()


def test_another_instrument_can_be_chosen(browser: Browser, market: str) -> None:
    page, watch = _open(browser, market, 1280, "light")
    page.locator("select").select_option("SOL-USD")
    until(lambda: (shown := evaluate(page, PRICE)) and shown[1] < 1000, "the price of SOL-USD", page=page)
    page.close()
    watch.check()


def test_a_closed_tab_leaves_the_others_moving(browser: Browser, market: str) -> None:
    stays, watch = _open(browser, market, 1280, "light")
    goes, _ = _open(browser, market, 1280, "dark")
    goes.close()
    before = evaluate(stays, PRICE)[0]
    until(lambda: evaluate(stays, PRICE)[0] > before + 1000, "the page that stays moves", page=stays)
    stays.close()
    watch.check()


def test_what_a_page_says_of_the_feed_is_true(browser: Browser, market: str) -> None:
    page, watch = _open(browser, market, 1280, "light")
    until(lambda: _shown(page)["pill"] == "LIVE", "the feed is shown as live", page=page)
    page.close()
    watch.check()


@pytest.mark.parametrize("name", ["market", "depth", "watch", "monitor"])
def test_axe_finds_nothing_serious(browser: Browser, market: str, name: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(market.replace("market", name))
    page.locator(".rt.page").wait_for()
    page.wait_for_timeout(1500)  # until the panels have something to show
    found = Axe().run(page).response["violations"]
    page.close()
    serious = [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
