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
  if (view.model.visible === false) return // the pane of an indicator that is not chosen
  const { renderers } = view.model
  const sources = Array.isArray(renderers) ? renderers.filter((r) => r.data_source) : []
  if (sources.length) figures.push(sources.map((r) => tail(r.data_source)).join())
  view.children_views().forEach(views)
}
walk(document)
Bokeh.index.roots.forEach(views)
return { ladder: text(".ladder-face"), tape: text(".tape-face"), pill: text(".pill"), figures }
"""


@pytest.fixture(scope="module")
def market() -> Iterator[str]:
    """The address of the page of a demo in a process of its own."""
    rate = "2000" if "PICTURE" in os.environ else "500"
    wanted = ["--dashboard-port", "0", "--rate", rate, "--for", "10m"]
    command = [sys.executable, "-m", "rtlab", "demo", *wanted]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as demo:
        assert demo.stdout is not None
        yield re.findall(r"http://\S+", demo.stdout.readline())[0]
        demo.terminate()
        assert demo.wait(20) == 0


# what a page has once it has something to show
FILLED = {
    "market": ".tape .lines .line",
    "depth": ".tape .lines .line",
    "watch": ".cards .card",
    "monitor": ".cards .card",
}


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


@pytest.mark.parametrize(
    ("scheme", "widths"),
    [
        # the market page is looked at in the light by the panels' tests as well
        pytest.param("light", (390, 1280, 2560), marks=pytest.mark.long),
        ("dark", (2560, 1280, 390)),
    ],
    ids=["light", "dark"],
)
def test_it_fits_every_screen_in_light_and_dark(
    browser: Browser, market: str, scheme: str, widths: tuple[int, ...]
) -> None:
    page, watch = _open(browser, market, widths[0], scheme)
    for width in widths:
        page.set_viewport_size({"width": width, "height": _height(width)})
        before = evaluate(page, PRICE)[0]
        until(lambda before=before: evaluate(page, PRICE)[0] > before + 300, "a drawing", page=page)
        _keep(page, "market", width, scheme)
        if os.environ.get("PICTURE") and (width, scheme) == (1280, "light"):
            page.locator(".candles .bar button").nth(1).click()
            until(lambda: evaluate(page, PRICE)[0] > before + 60_000, "a minute to look at", 120, page=page)  # noqa: B023
            page.screenshot(path=ROOT / "dashboards" / "market.png")
    page.close()
    watch.check()


def _keep(page: Page, name: str, width: int, scheme: str) -> None:
    """Nothing is beside the screen, the page wears the scheme; keep a picture of it."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colour = page.locator(".rt.page").evaluate("(page) => getComputedStyle(page).backgroundColor")
    red = int(re.findall(r"\d+", colour)[0])
    assert red > 200 if scheme == "light" else red < 60
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=width < 500)


# where the keyboard is: the name that a screen reader says, and whether an eye can see it
FOCUSED = """() => {
  let one = document.activeElement
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement
  if (!one || one === document.body) return null
  const { outlineStyle, boxShadow } = getComputedStyle(one)
  const { width, height } = one.getBoundingClientRect()
  return { name: one.getAttribute("aria-label") || one.innerText || one.title, html: one.outerHTML.slice(0, 120),
           seen: outlineStyle !== "none" || boxShadow !== "none", area: width * height }
}"""
CSV = "Numbers (CSV)"


def _stops(page: Page) -> list[dict]:
    """Where Tab leads, from the first to the last; the focus stays there."""
    stops: list[dict] = []
    page.keyboard.press("Tab")
    while (stop := page.evaluate(FOCUSED)) is not None and len(stops) < 80:
        stops.append(stop)
        page.keyboard.press("Tab")
    return stops


def _go(page: Page, name: str) -> None:
    """Press Tab until the keyboard is at what has this name."""
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is not None and name in stop["name"]:
            return
    raise AssertionError(f"Tab does not lead to {name}")


def _download(page: Page, name: str, ending: str = "csv") -> list[str]:
    """Keep a panel's numbers by keyboard alone; its rows."""
    _go(page, f"Keep or read what is seen: {name}")
    page.keyboard.press("Enter")
    if CSV not in page.evaluate(FOCUSED)["name"]:
        page.keyboard.press("Tab")  # a picture comes first
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(ending)
    return download.value.path().read_text().splitlines()


WALKS = {
    "market": (
        "Instrument",
        "Switch to",
        "points from",
        "EMA",
        "candles",
        "order book",
        "depth",
        "Trades",
        "volume at price",
    ),
    "depth": (
        "Instrument",
        "Depth heat map",
        "Pause",
        "depth heat map",
        "Order book",
        "Trades, newest first",
    ),
    "watch": ("Filter by name", "Order", "numbers", "BTC-USD"),
    "monitor": ("Filter by name", "Order", "numbers", "load 1 min"),
}


@pytest.mark.parametrize("name", WALKS)
def test_a_page_fits_every_screen_is_walked_by_keyboard_alone_and_axe_finds_nothing_serious(
    browser: Browser, market: str, name: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    watch = Watch(page)
    page.goto(market.replace("market", name))
    page.locator(FILLED[name]).first.wait_for()
    if os.environ.get("PICTURE") and name != "market":  # that one has a test of its own
        page.wait_for_timeout(30_000)
        page.screenshot(path=ROOT / "dashboards" / f"{name}.png")
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []
    stops = _stops(page)
    assert 4 < len(stops) < 80, "Tab ends nowhere"
    assert [stop for stop in stops if not stop["name"].strip() or not stop["seen"] or stop["area"] < 4] == []
    told = " ".join(stop["name"] for stop in stops)
    assert [word for word in WALKS[name] if word.lower() not in told.lower()] == []
    {"market": _walk_market, "depth": _walk_depth}.get(name, _walk_grid)(page)
    if name != "market":
        _look(page, name)
    page.close()
    watch.check()


def _look(page: Page, name: str) -> None:
    widths = (390, 1280, 2560)
    # what fits in one scheme fits in the other: make test-full looks at the dark in each width too
    dark = widths if "RTLAB_ROUNDS" in os.environ else (1280,)
    for scheme, seen in (("light", widths), ("dark", dark)):
        page.locator(f".page.{scheme}").wait_for()
        for width in seen:
            page.set_viewport_size({"width": width, "height": _height(width)})
            page.wait_for_timeout(100)
            _keep(page, name, width, scheme)
        page.get_by_role("button", name="Switch to").click()


def _walk_market(page: Page) -> None:
    until(lambda: evaluate(page, PRICE), "a price line", 30, page=page)
    page.locator(".ladder .bid .price").first.wait_for()
    _go(page, "Instrument")
    page.keyboard.press("ArrowDown")
    until(lambda: (shown := evaluate(page, PRICE)) and shown[1] < 30_000, "the price of ETH-USD", page=page)
    page.locator(".ladder .bid .price").first.wait_for()
    badge = page.locator(".rtlab-badge")
    _go(page, "points from")
    page.keyboard.press(" ")
    until(lambda: "paused" in badge.inner_text(), "paused", page=page)
    page.keyboard.press("End")
    until(lambda: "live" in badge.inner_text(), "live", page=page)
    _go(page, "Order book of ETH-USD")
    page.keyboard.press("ArrowDown")
    assert page.locator(".ladder .chosen").count() == 1
    rows = _download(page, "ETH-USD order book")
    assert rows[0] == "side,price,size,own"
    assert {row.partition(",")[0] for row in rows[1:]} == {"ask", "bid"}
    assert len(_download(page, "ETH-USD depth")) > 10


def _walk_depth(page: Page) -> None:
    badge = page.locator(".heat .badge")
    until(lambda: "live" in badge.inner_text(), "live", page=page)
    _go(page, "Depth heat map of BTC-USD")
    page.keyboard.press(" ")
    until(lambda: "paused" in badge.inner_text(), "paused", page=page)
    page.keyboard.press("Home")
    until(lambda: "live" in badge.inner_text(), "live", page=page)
    rows = _download(page, "BTC-USD depth heat map")
    assert rows[0] == "time,price,size"
    assert len(rows) > 20


def _walk_grid(page: Page) -> None:
    page.locator(".cards .card").first.wait_for()
    _go(page, "Filter by name")
    page.keyboard.type("o")
    until(lambda: page.locator(".cards .count").inner_text() != "", "a count", page=page)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    rows = _download(page, "numbers")
    assert rows[0] == "name,value,change"
    assert len(rows) == 1 + page.locator(".cards .card").count()


@pytest.fixture(scope="module")
def looked(browser: Browser, market: str) -> Iterator[Page]:
    """One page for the tests that only look; the last of them leaves it at another instrument."""
    page, watch = _open(browser, market, 1280, "light")
    yield page
    page.close()
    watch.check()


def test_price_ladder_depth_and_tape_move(looked: Page) -> None:
    page = looked
    first, price = _shown(page), evaluate(page, PRICE)
    until(lambda: evaluate(page, PRICE)[0] > price[0], "the price line moves", page=page)
    for part in ("ladder", "tape"):
        assert first[part], f"no {part} on the page"
        until(lambda part=part: _shown(page)[part] != first[part], f"the {part} moves", page=page)
    for i in range(len(first["figures"])):
        until(lambda i=i: _shown(page)["figures"][i] != first["figures"][i], f"figure {i} moves", page=page)
    assert len(first["figures"]) == 3  # price, candles, depth


def test_a_closed_tab_leaves_the_others_moving(browser: Browser, market: str, looked: Page) -> None:
    goes, _ = _open(browser, market, 1280, "dark")
    goes.close()
    before = evaluate(looked, PRICE)[0]
    until(lambda: evaluate(looked, PRICE)[0] > before + 1000, "the page that stays moves", page=looked)


def test_what_a_page_says_of_the_feed_is_true(looked: Page) -> None:
    until(lambda: _shown(looked)["pill"] == "LIVE", "the feed is shown as live", page=looked)


def test_another_instrument_can_be_chosen(looked: Page) -> None:
    looked.locator("select").select_option("SOL-USD")
    until(lambda: (shown := evaluate(looked, PRICE)) and shown[1] < 1000, "the price of SOL-USD", page=looked)
