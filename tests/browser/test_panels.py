"""The market page and its panels, fed from a thread, in a real browser."""

import csv
import gc
import io
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page
from support.bars_oracle import joined, random_bars
from support.browser import Watch, evaluate, until
from support.random_market import BTC, ETH, SECOND, RandomMarket

from rtlab.model import Instrument
from rtlab.views import Candles, Ladder, MarketPage, MarketState, Prices
from rtlab.views.beat import PATIENCE_NS, WINDOW
from rtlab.views.digits import Digits
from rtlab.views.theme import DARK, LIGHT

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]

PRICE = Digits(BTC.tick_size)
WIDTHS = {390: 844, 1280: 800, 2560: 1440}
SHOTS = Path(".shots")
ROWS = random_bars(4000)

FIGURE = """
const figure = (name) => find_view((view) => view.model.name === name)
const data = (name, i = 0) => figure(name).model.renderers[i].data_source.data
"""

MODELS = "return Bokeh.documents[0].all_models.size"

# a browser gives a hidden tab no animation frames; the first after it is shown again bring what waits
HIDE = """() => {
  const [frame, waiting] = [window.requestAnimationFrame, []]
  window.requestAnimationFrame = (paint) => waiting.push(paint)
  window.show_tab = () => {
    window.requestAnimationFrame = frame
    for (const paint of waiting) frame(paint)
  }
}"""
LABELS = f"{FIGURE} return figure('depth').model.below[0].major_label_text_color"


class Exchange:
    """Two instruments that never rest, and the pages that look at them; fed by a thread.

    `page` is the newest page, or the one that is looked at again.
    """

    def __init__(self) -> None:
        self.instruments = (BTC, ETH)
        self.markets = {"BTC-USD": RandomMarket(1), "ETH-USD": RandomMarket(2, middle=312_345)}
        self.prices = {one.symbol: Prices(one) for one in self.instruments}
        self.made: list[weakref.ref[MarketPage]] = []
        self.newest: dict[str, MarketState] = {}
        self.updates = 0
        self.looked_at: weakref.ref[MarketPage] | None = None
        self._period = 0.1
        self._flowing, self._ending, self._telling = threading.Event(), threading.Event(), threading.Lock()
        for symbol, market in self.markets.items():
            self.prices[symbol].append(market.trades(4_000))
        self._thread = threading.Thread(target=self._run, name="exchange")
        self._thread.start()

    def app(self, *instruments: Instrument, **settings: str) -> Callable[[], object]:
        def page() -> object:
            made = MarketPage(
                instruments or self.instruments, on_instrument=lambda one: self.prices[one.symbol], **settings
            )
            self.made.append(weakref.ref(made))
            return made.served()

        return page

    @property
    def pages(self) -> list[MarketPage]:
        return [page for made in self.made if (page := made()) is not None]

    @property
    def page(self) -> MarketPage:
        again = self.looked_at and self.looked_at()
        return again or self.pages[-1]

    def flow(self, rate: int = 10) -> None:
        self._period = 1 / rate
        self._flowing.set()

    def stop(self) -> None:
        with self._telling:  # when this returns, `newest` is the newest
            self._flowing.clear()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ending.wait(self._period):
            with self._telling:
                if self._flowing.is_set():
                    self._tell({symbol: self._state(symbol) for symbol in self._seen()})

    def _seen(self) -> set[str]:
        return {page.instrument.symbol for page in self.pages}

    def _tell(self, states: dict[str, MarketState]) -> None:
        for page in self.pages:
            page.update(states[page.instrument.symbol])
        self.newest = states
        self.updates += 1

    def _state(self, symbol: str) -> MarketState:
        market = self.markets[symbol]
        columns = market.trades(market.random.choice((1, 1, 2, 6)))
        self.prices[symbol].append(columns)
        bids, asks = market.levels()
        health = {"state": "live", "staleness_ms": 5, "lag_ms": 1.5, "messages": self.updates * 20, "gaps": 0}
        return MarketState(bids, asks, market.last, market.newest_bars(300), columns, health)


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(exchange: Exchange, serve: Serve) -> str:
    return serve(exchange.app())


@pytest.fixture(scope="module")
def shared(browser: Browser, exchange: Exchange, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    exchange.flow()
    page.goto(address)
    page.locator(".ladder .bid .price").first.wait_for()
    exchange.looked_at = exchange.made[-1]
    yield page
    page.close()
    watch.check()


@pytest.fixture
def market(shared: Page, exchange: Exchange) -> Iterator[Page]:
    """The page of all tests that look at a flowing market, and leave the page as it was."""
    exchange.flow()
    shared.locator(".health.live").wait_for()
    yield shared
    exchange.stop()


def alive(exchange: Exchange) -> int:
    gc.collect()
    return len(exchange.pages)


def read(page: Page, selector: str, what: str) -> list[str]:
    """Read `what` of each in one go: a locator finds first and reads later, when a tape has gone on."""
    return page.evaluate(
        f"""(selector) => {{
             const found = []
             const walk = (root) => {{
               found.push(...[...root.querySelectorAll(selector)].map((one) => {what}))
               for (const one of root.querySelectorAll("*")) if (one.shadowRoot) walk(one.shadowRoot)
             }}
             walk(document)
             return found
           }}""",
        selector,
    )


def texts(page: Page, selector: str) -> list[str]:
    return read(page, selector, "one.innerText")


def moves(page: Page, selector: str) -> None:
    before = texts(page, selector)
    until(lambda: texts(page, selector) != before, f"{selector} moves", page=page)


# these have pages of their own, and come first: the page that all others share would be drawn beside them
OVERFLOW = """() => {
  const found = []
  const walk = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.shadowRoot) walk(e.shadowRoot)
      const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
      if (text && e.offsetParent && !e.closest("style,script,option") && e.scrollWidth > e.clientWidth + 1
          && getComputedStyle(e).display !== "inline")
        found.push(`${e.className}: ${e.textContent}`)
    }
  }
  walk(document)
  return found
}"""


@pytest.mark.parametrize(
    ("theme", "widths"),
    [
        ("light", (390, 1280, 2560)),
        # the market page is looked at in the dark by its own tests as well
        pytest.param("dark", (2560, 1280, 390), marks=pytest.mark.long),
    ],
    ids=["light", "dark"],
)
def test_the_page_fits_and_looks_as_it_should(
    browser: Browser, exchange: Exchange, address: str, theme: str, widths: tuple[int, ...]
) -> None:
    first = {"width": widths[0], "height": WIDTHS[widths[0]]}
    context = browser.new_context(viewport=first, color_scheme=theme)
    page = context.new_page()
    watch = Watch(page)
    exchange.flow()
    page.goto(address)
    page.locator(f".rt.ladder.{theme} .bid .price").first.wait_for()
    assert "width=device-width" in page.locator("meta[name=viewport]").get_attribute("content")
    for width in widths:
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        moves(page, ".market .last")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(OVERFLOW) == []
        cards = [box for box in (card.bounding_box() for card in page.locator(".market .card").all()) if box]
        assert len(cards) == 6
        assert all(card["width"] >= 230 and card["height"] >= 180 for card in cards)
        assert len({card["x"] for card in cards}) == (1 if width == 390 else 4)
        if width != 390:
            assert max(card["y"] + card["height"] for card in cards) <= WIDTHS[width]
        SHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SHOTS / f"panels-{width}-{theme}.png", full_page=True)
    exchange.stop()
    context.close()
    watch.check()


def test_closed_tabs_leave_nothing(
    browser: Browser, exchange: Exchange, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "panel")  # a kept record of an event keeps its models
    exchange.flow()
    for _ in range(2):
        page = browser.new_page()
        page.goto(address)
        page.locator(".ladder .bid .price").first.wait_for()
        page.close()
    exchange.stop()
    until(lambda: not alive(exchange), "every page is freed", 60, every=0.5)  # each look collects all garbage


def test_every_panel_moves(market: Page) -> None:
    panels = (".market .last", ".ladder .bid .size", ".ladder .ask .size", ".tape .lines .line")
    for selector in (*panels, ".health .cell .value"):
        moves(market, selector)
    for look in ("[...data('depth').y]", "data('candles').x.length + [...data('candles').close].join()"):
        first = evaluate(market, f"{FIGURE} return {look}")
        until(lambda: evaluate(market, f"{FIGURE} return {look}") != first, f"{look} moves", page=market)  # noqa: B023


def test_what_is_on_the_ladder_is_a_book_that_was_sent(market: Page, exchange: Exchange) -> None:
    exchange.stop()

    def same() -> bool:
        state = exchange.newest["BTC-USD"]
        best = [PRICE(levels[0][0]) for levels in (state.bids, state.asks)]
        return [texts(market, f".ladder .{side} .price")[0] for side in ("bid", "ask")] == best

    until(same, "the newest book", page=market)


def test_the_last_update_before_a_pause_is_shown(market: Page, exchange: Exchange) -> None:
    exchange.stop()
    page = exchange.page
    until(lambda: page.tape.statistics().trades == page.tape._drawn, "everything drawn", page=market)
    last = PRICE(exchange.newest["BTC-USD"].last)
    until(lambda: last in market.locator(".market .last").inner_text(), "the last price", page=market)
    assert last in texts(market, ".tape .lines .line .price")[0]


def test_the_chart_writes_prices_as_the_book_does(market: Page) -> None:
    market.locator(".health.live").wait_for()
    tags = market.locator(".rtlab-overlay text")
    until(
        lambda: any(re.fullmatch(r"[\d,]+\.\d", tag) for tag in tags.all_text_contents()),
        "the last price with the decimal of a tick",
        page=market,
    )


BADGES = ".rtlab-badge", ".depth-face .held", ".candles .held", ".volume .held"


def test_every_plot_says_how_much_of_what_is_held_it_shows_and_what_the_feed_lost(
    market: Page, exchange: Exchange
) -> None:
    price, depth, candles, profile = (market.locator(one) for one in BADGES)
    page = exchange.page
    exchange.flow(30)
    merged = page.depth.merged
    until(lambda: page.depth.merged > merged, "told thirty times a second and drawn ten times", page=market)
    exchange.stop()

    def counted(badge: Locator, unit: str) -> list[int]:
        found = re.search(rf"([\d,]+) of ([\d,.]+)(K?) {unit}", badge.inner_text())
        shown, held, thousands = found.groups() if found else ("0", "0", "")
        return [int(shown.replace(",", "")), round(float(held) * (1000 if thousands else 1))]

    levels = sum(map(len, (exchange.newest["BTC-USD"].bids, exchange.newest["BTC-USD"].asks)))
    until(lambda: counted(depth, "levels")[1] == levels, "all levels are counted", page=market)
    in_window = f"""{FIGURE} const {{ start, end }} = figure('candles').model.x_range
      return data('candles').x.filter((x) => x >= start && x <= end).length"""
    shown = [evaluate(market, in_window), len(page.candles.bars)]
    until(lambda: counted(candles, "candles") == shown, "the candles that are seen", page=market)
    trades = page.profile.volume.session.trades
    until(lambda: abs(counted(profile, "trades")[1] - trades) <= 50, "all trades are counted", page=market)
    assert counted(price, "points")[1] == pytest.approx(len(page.price.prices), abs=50)
    for badge in (price, depth, candles, profile):
        assert "Feed: " in badge.get_attribute("title")
        assert " · 0 dropped" not in badge.inner_text()  # that is for the feed's health to say
        assert "0 gaps" in badge.get_attribute("title")
        assert "updates merged" in badge.get_attribute("title") or badge is price


def test_a_feed_that_stops_is_visibly_frozen_and_thaws_again(market: Page, exchange: Exchange) -> None:
    market.locator(".health.live").wait_for()
    held = sum(map(len, (exchange.newest["BTC-USD"].bids, exchange.newest["BTC-USD"].asks)))
    until(
        lambda: "● live" in market.locator(".depth-face .held").inner_text(), "the depth is live", page=market
    )
    assert f"of {held} levels" in market.locator(".depth-face .held").inner_text()
    badges = [market.locator(one) for one in BADGES]
    until(lambda: all("● live" in one.inner_text() for one in badges), "every plot is live", page=market)
    exchange.stop()
    market.locator(".health.frozen").wait_for()
    until(
        lambda: "frozen" in market.locator(".depth-face .held").inner_text(),
        "the depth is frozen",
        page=market,
    )
    until(lambda: all("frozen" in one.inner_text() for one in badges), "every plot is frozen", page=market)
    assert market.locator(".health .pill").inner_text() == "FROZEN"
    assert market.locator(".market.still").count() == 1
    drained = market.locator(".rt.ladder").evaluate(
        "(e) => getComputedStyle(e.getRootNode().host.parentElement).filter"
    )
    assert drained == "grayscale(1)"
    hatched = market.locator(".card.ladder").evaluate("(e) => getComputedStyle(e, '::after').backgroundImage")
    assert hatched.startswith("repeating-linear-gradient")
    market.screenshot(path=SHOTS / "market-frozen.png")
    found = Axe().run(market).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    exchange.flow()
    market.locator(".health.live").wait_for()
    assert market.locator(".market.still").count() == 0


def test_digits_of_the_ladder_stand_in_columns(market: Page) -> None:
    for side in ("bid", "ask"):
        for column in ("price", "size b"):
            _stand_in_columns(market, side, column)


def _stand_in_columns(market: Page, side: str, column: str) -> None:
    boxes = market.locator(f".ladder .{side} .{column}").evaluate_all(
        """(cells) => cells.filter((cell) => cell.textContent).map((cell) => {
             const range = document.createRange()
             range.selectNodeContents(cell)
             const { right, width } = range.getBoundingClientRect()
             const room = cell.closest(".ladder").getBoundingClientRect()  // levels beyond it are out of sight
             const { fontVariantNumeric } = getComputedStyle(cell)
             return [right, width, cell.textContent.length, fontVariantNumeric, right < room.right]
           }).filter((box) => box.pop())"""
    )
    assert len(boxes) > 10
    assert {numeric for *_, numeric in boxes} == {"tabular-nums"}
    rights = [right for right, *_ in boxes]
    assert max(rights) - min(rights) < 0.6
    for length in {box[2] for box in boxes}:
        widths = [width for _, width, n, _ in boxes if n == length]
        assert max(widths) - min(widths) < 0.6


def test_the_newest_trade_is_on_top_and_coloured_by_who_took(market: Page) -> None:
    market.locator(".tape .lines .bought .price").first.wait_for()
    times = texts(market, ".tape .lines .line .time")
    assert times == sorted(times, reverse=True)
    # rows go round: one that was found as bought is another trade a little later, and may be sold
    assert set(read(market, ".tape .lines .bought .price", "getComputedStyle(one).color")) == {rgb(LIGHT.bid)}


def test_the_tape_is_bounded_whatever_comes(market: Page, exchange: Exchange) -> None:
    tape = exchange.page.tape
    tape.append(RandomMarket(9).trades(5_000))
    until(lambda: market.locator(".tape .lines .line").count() == tape.rows, "a full tape", page=market)
    moves(market, ".tape .lines .line")
    assert market.locator(".tape .lines .line").count() == tape.rows
    height = market.locator(".tape .lines").evaluate("(list) => list.getBoundingClientRect().height")
    row = market.locator(".tape .lines .line").first.evaluate("(line) => line.getBoundingClientRect().height")
    assert height / row == pytest.approx(round(height / row), abs=0.01), "the last line is cut"
    assert tape.statistics().skipped > 4_000


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


BARS = """(rows) => rows.map((one) => {
  const style = getComputedStyle(one)
  return ["--bought", "--all"].map((name) => parseFloat(style.getPropertyValue(name)))
})"""


def test_the_profile_draws_what_was_traded_and_is_walked_and_switched_by_keyboard(
    market: Page, exchange: Exchange
) -> None:
    exchange.stop()
    profile, rows = exchange.page.profile, market.locator(".volume .level")
    until(lambda: rows.count() > 5, "rows of volume", page=market)

    def same() -> bool:
        held = profile.volume.session.rows(profile._fitting)
        most = held.lots.sum(axis=1).max()
        wanted = [
            (100 * bought / most, 100 * (bought + sold) / most) for bought, sold in held.lots[::-1].tolist()
        ]
        shown = rows.evaluate_all(BARS)
        return len(shown) == len(wanted) and bool(np.allclose(shown, wanted, atol=0.051))

    exchange.page.profile.refresh()
    until(same, "the bars that were traded", page=market)
    assert market.locator(".volume .control .price").inner_text().startswith("POC ")
    exchange.flow()
    said = market.locator(".volume .said")
    window, session = (market.locator(".volume button", has_text=text) for text in ("Window", "Session"))
    session.focus()
    market.keyboard.press("Tab")
    market.keyboard.press("Enter")
    until(lambda: window.get_attribute("aria-pressed") == "true", "the window is chosen", page=market)
    assert not exchange.page.profile.whole
    market.keyboard.press("Tab")
    exchange.stop()
    market.keyboard.press("Home")
    until(lambda: "▲" in said.inner_text(), "the point of control is read out", page=market)
    control = said.inner_text()
    market.keyboard.press("ArrowUp")
    until(lambda: said.inner_text() != control, "the row above is read out", page=market)
    market.keyboard.press("Shift+Tab")
    until(lambda: "trades" in said.inner_text(), "what the panel holds is told again", page=market)
    session.press("Enter")
    until(lambda: exchange.page.profile.whole, "the session is chosen again", page=market)


def test_a_tab_that_does_not_paint_gets_no_backlog_and_then_the_newest(
    market: Page, exchange: Exchange
) -> None:
    pace = exchange.page.beat.pace
    exchange.flow(30)
    market.evaluate(HIDE)
    hidden_at, began = pace.statistics().drawn, time.monotonic_ns()
    seen = exchange.updates
    until(lambda: exchange.updates > seen + 60, "the market goes on", 60, page=market)
    after = pace.statistics()
    in_vain = (time.monotonic_ns() - began) // PATIENCE_NS  # one more goes out each time that patience ends
    assert after.drawn - hidden_at <= 2 * WINDOW + in_vain
    assert after.drawn - after.painted <= WINDOW + in_vain
    exchange.stop()
    market.evaluate("show_tab()")
    last = PRICE(exchange.newest["BTC-USD"].last)
    until(lambda: last in market.locator(".market .last").inner_text(), "the newest price", page=market)
    assert last in texts(market, ".tape .lines .line .price")[0]


def test_the_switch_changes_every_panel_there_and_back(market: Page, exchange: Exchange) -> None:
    for colours in (DARK, LIGHT):
        market.locator(".market .switch").click()
        until(lambda: exchange.page.theme == colours.name, "python knows", page=market)  # noqa: B023
        for panel in (".rt.ladder", ".rt.tape", ".rt.health"):
            market.locator(f"{panel}.{colours.name}").wait_for()
        ground = market.locator(".rt.ladder").evaluate("(e) => getComputedStyle(e).backgroundColor")
        assert ground == rgb(colours.surface)
        until(
            lambda: evaluate(market, LABELS) == colours.muted,  # noqa: B023
            "the chart wears it",
            page=market,
        )


# light is what the page is opened in that fits every screen
@pytest.mark.parametrize("preferred", [pytest.param("light", marks=pytest.mark.long), "dark"])
def test_the_first_theme_is_what_the_system_prefers(
    browser: Browser, exchange: Exchange, address: str, preferred: str
) -> None:
    context = browser.new_context(color_scheme=preferred)
    page = context.new_page()
    watch = Watch(page)
    page.goto(address)
    page.locator(f".market.{preferred}").wait_for()
    page.locator(f".rt.ladder.{preferred}").wait_for()
    context.close()
    watch.check()


@pytest.mark.parametrize("rest_ms", [0, 600], ids=["at once", "after a rest"])
def test_candles_follow_until_they_are_dragged_away(market: Page, rest_ms: int) -> None:
    read = f"{FIGURE} const x = figure('candles').model.x_range; return [x.start, x.end]"
    first = evaluate(market, read)
    until(lambda: evaluate(market, read)[1] > first[1], "the window follows", 30, page=market)
    box = market.locator(".market .candles .body").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    market.mouse.move(*middle)
    market.mouse.down()
    market.wait_for_timeout(rest_ms)
    market.mouse.move(middle[0] + 150, middle[1], steps=5)
    market.mouse.up()
    dragged = evaluate(market, read)
    assert dragged[1] < evaluate(market, f"{FIGURE} return Math.max(...data('candles').x)")
    newest = """
      const edge = [...Bokeh.documents[0].all_models].find(({ data }) => data?.interval)
      return edge.data.x[0]"""
    before = evaluate(market, newest)
    until(lambda: evaluate(market, newest) > before, "another candle", 30, page=market)
    assert evaluate(market, read) == dragged
    evaluate(market, f"{FIGURE} figure('candles').canvas_view.events_el.focus()")
    market.keyboard.press("Escape")
    until(lambda: evaluate(market, read)[1] > evaluate(market, newest), "it follows again", page=market)


def test_candles_are_moved_zoomed_and_brought_back_by_keyboard(market: Page) -> None:
    read = f"{FIGURE} const x = figure('candles').model.x_range; return [x.start, x.end]"
    newest = """
      const edge = [...Bokeh.documents[0].all_models].find(({ data }) => data?.interval)
      return edge.data.x[0]"""
    until(lambda: evaluate(market, newest) < evaluate(market, read)[1], "it follows", page=market)
    evaluate(market, f"{FIGURE} figure('candles').canvas_view.events_el.focus()")

    def after(key: str) -> tuple[list[float], float]:
        market.keyboard.press(key)
        now = evaluate(market, read)
        return now, now[1] - now[0]

    (start, end), span = after("+")
    # back, and it stays there however many candles come
    back, same = after("Shift+ArrowLeft")
    assert same == pytest.approx(span)
    assert back[1] <= end - 0.4 * span
    further, _ = after("ArrowLeft")
    assert further[1] == pytest.approx(back[1] - span / 10)
    again, _ = after("ArrowRight")
    assert again == pytest.approx(back)
    # the right end stays where it is
    closer, short = after("ArrowUp")
    assert (closer[1], short) == (pytest.approx(again[1]), pytest.approx(0.8 * span))
    wider, long = after("-")
    assert (wider[1], long) == (pytest.approx(again[1]), pytest.approx(span))
    before = evaluate(market, newest)
    until(lambda: evaluate(market, newest) > before, "another candle", 30, page=market)
    assert evaluate(market, read) == wider
    for key in ("End", "Home", "Escape"):
        after("Shift+ArrowLeft")
        after("Shift+ArrowLeft")
        before = evaluate(market, newest)  # what comes meanwhile is not in the window that is sent
        until(lambda before=before: evaluate(market, newest) > before, "another candle", 30, page=market)
        (_, end), same = after(key)
        assert end >= evaluate(market, newest)
        assert same == pytest.approx(span)
    until(lambda: evaluate(market, read)[1] > end, "it follows again", 30, page=market)


def test_candles_fit_what_is_seen(market: Page) -> None:
    fits = f"""{FIGURE}
      const plot = figure('candles').model, {{ x, low, high, volume }} = data('candles')
      const seen = [...x.keys()].filter((i) => x[i] >= plot.x_range.start && x[i] <= plot.x_range.end)
      const y = plot.y_range, more = plot.extra_y_ranges, v = more.get ? more.get('volume') : more.volume
      return seen.length > 5 && seen.every((i) => low[i] > y.start && high[i] < y.end && volume[i] <= v.end / 4.9)"""
    until(lambda: evaluate(market, fits), "the ranges fit", page=market)


@pytest.mark.parametrize("width", [390, 1280])
def test_times_below_the_candles_do_not_touch(
    page: Page, serve: Serve, exchange: Exchange, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(serve(exchange.app()))
    exchange.flow()
    apart = f"""{FIGURE}
      const plot = figure('candles'), {{ frame }} = plot, [axis] = plot.model.below
      const times = plot.children_views().find((view) => view.model === axis).tick_coords.major[0]
      const at = [...times].map((x) => frame.x_scale.compute(x))
      return [at.length, ...at.slice(1).map((x, i) => x - at[i])]"""
    there = f"{FIGURE} return !!figure('candles') && data('candles').x.length > 5"
    until(lambda: evaluate(page, there), "candles", 40, page=page)
    fits = f"""{FIGURE}
      const {{ inner_width, below: [axis] }} = figure('candles').model
      return [axis.ticker.desired_num_ticks, Math.max(3, Math.floor(inner_width / 100)), inner_width]"""

    def as_many_as_fit() -> float:
        told, fitting, inner = until(
            lambda: (now := evaluate(page, fits))[0] == now[1] and now, "as many as fit", 60, page=page
        )
        assert told == fitting
        # "00:00:00" is 52 px wide; of a single time Bokeh tells the year alone
        until(
            lambda: (now := evaluate(page, apart))[0] > 1 and min(now[1:]) > 68, "times apart", 60, page=page
        )
        return float(inner)

    narrow = as_many_as_fit()
    exchange.stop()  # no candle comes for which they would be looked at again
    page.set_viewport_size({"width": 2200, "height": 900})
    until(lambda: evaluate(page, fits)[2] > max(400, narrow), "a wider figure", 60, page=page)
    assert as_many_as_fit() > narrow


def test_indicators_are_switched_on_by_keyboard_and_move_with_the_open_candle(market: Page) -> None:
    average = f"""{FIGURE}
      const line = figure('candles').model.renderers.find((r) => r.glyph.y?.field === 'average')
      return line.visible && [...line.data_source.data.average].at(-1)"""
    switch = market.locator(".candles .bar button").first
    assert switch.get_attribute("aria-pressed") == "false"
    assert not evaluate(market, average)
    switch.focus()
    market.keyboard.press("Enter")
    until(lambda: switch.get_attribute("aria-pressed") == "true", "the switch is on", page=market)
    first = until(lambda: evaluate(market, average), "a line over the candles", 40, page=market)
    until(lambda: evaluate(market, average) != first, "the line moves", page=market)
    market.keyboard.press("Space")
    until(lambda: evaluate(market, average) is False, "the line is gone", page=market)


def test_candles_are_joined_when_zoomed_out_and_have_panes_with_the_same_window(
    page: Page, serve: Serve
) -> None:
    made: list[Candles] = []

    def app() -> Candles:
        made.append(Candles(BTC, SECOND, indicators=["rsi 14"]))
        made[-1].update(ROWS)
        return made[-1]

    page.goto(serve(app))
    read = f"""{FIGURE}
      const {{ model, frame }} = figure('candles'), {{ start, end }} = model.x_range
      const below = figure('rsi 14'), x = [...data('candles').x], width = [...data('candles').width]
      const seen = x.filter((at) => at > start && at < end)
      return {{ seen: seen.length, pixels: frame.bbox.width, each: width[0] / 0.72, start, end, x,
        aligned: below.frame.bbox.left === frame.bbox.left && below.frame.bbox.width === frame.bbox.width,
        same: below.model.x_range === model.x_range, low: below.model.y_range.start, high: below.model.y_range.end }}"""
    there = f"{FIGURE} return !!figure('candles') && data('candles').x.length"
    until(lambda: evaluate(page, there), "candles", page=page)
    first = evaluate(page, read)
    assert first["each"] == pytest.approx(1000)
    assert (first["same"], first["low"], first["high"]) == (True, 0, 100)
    until(lambda: evaluate(page, read)["aligned"], "frames of one width", page=page)
    box = page.locator(".candles .chart").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    for _ in range(60):
        if (at := evaluate(page, read))["end"] - at["start"] > 2_400_000:
            break
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(10)

    def joined_as_python_says() -> dict:
        now, each = evaluate(page, read), made[-1].bars.intervals[made[-1]._scale]
        middles = joined(ROWS, each)[:, 0] / 1e6 + each / 2e6
        inside = (middles > now["start"]) & (middles < now["end"])
        there = set(now["x"]) <= set(middles.tolist()) and now["seen"] == inside.sum()
        return now if there and each > 4 * SECOND and now["each"] == pytest.approx(each / 1e6) else {}

    now = until(joined_as_python_says, "joined candles", page=page)
    assert 20 < now["seen"] <= now["pixels"] / 3 + 1
    page.locator(".candles .bar").get_by_text(" each").wait_for()


def kept(page: Page, name: str, kind: str = "Numbers (CSV)") -> Path:
    """What a panel keeps, asked for by keyboard."""
    page.get_by_role("button", name=f"Keep or read what is seen: {name}").press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name=kind).press("Enter")
    return download.value.path()


def rows_of(page: Page, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(kept(page, name).read_text())))


def test_what_is_seen_of_each_panel_is_kept_as_numbers_and_of_figures_as_a_picture(
    market: Page, exchange: Exchange
) -> None:
    until(lambda: len(exchange.page.candles.bars), "candles", page=market)
    exchange.stop()
    state, page = exchange.newest["BTC-USD"], exchange.page
    last = float(BTC.tick_size * state.last)
    until(lambda: page.tape.statistics().trades == page.tape._drawn, "everything drawn", page=market)
    until(
        lambda: float(rows_of(market, "candles")[-1]["close"]) == pytest.approx(last),
        "the last candle",
        page=market,
    )
    assert float(rows_of(market, "BTC-USD trades")[0]["price"]) == last
    bids = [row for row in rows_of(market, "BTC-USD order book") if row["side"] == "bid"]
    assert [float(row["price"]) for row in bids[:3]] == [
        float(BTC.tick_size * ticks) for ticks, _ in state.bids[:3]
    ]
    asks = [row for row in rows_of(market, "BTC-USD depth") if row["side"] == "ask"]
    lots = np.cumsum([lots for _, lots in state.asks[:3]])
    assert [float(row["quantity up to it"]) for row in asks[:3]] == pytest.approx(float(BTC.lot_size) * lots)
    volume = rows_of(market, "BTC-USD volume at price")
    prices = [float(row["price"]) for row in volume]
    assert prices == sorted(prices, reverse=True)
    assert sum(float(row["bought"]) + float(row["sold"]) for row in volume) > 0
    colours = [[int(side[i : i + 2], 16) for i in (1, 3, 5)] for side in (LIGHT.bid, LIGHT.ask)]
    for name in ("candles", "BTC-USD depth"):
        picture = np.asarray(Image.open(kept(market, name, "Picture (PNG)")).convert("RGB"))
        assert all((picture == colour).all(axis=2).sum() > 10 for colour in colours), name


def test_python_is_never_told_of_a_range_that_the_browser_set(market: Page, exchange: Exchange) -> None:
    moves(market, ".market .last")
    page = exchange.page
    until(lambda: page.candles._table.drawn and page.depth._across, "both drawn", page=market)
    assert (page.depth._figure.x_range.start, page.depth._figure.x_range.end) == (0, 1)
    assert (page.candles._figure.y_range.start, page.candles._figure.y_range.end) == (0, 1)


def test_after_a_long_silence_bokeh_forgets_no_model_that_is_in_use(market: Page) -> None:
    # what it does itself 30 s after the last news; what Python sends to a model that it forgot is an error
    held, kept = evaluate(
        market,
        """const [document] = Bokeh.documents, held = document.all_models.size
        document._recompute_all_models()
        return [held, document.all_models.size]""",
    )
    assert held > 200
    assert kept == held
    for look in ("[...data('depth').y].join()", "[...data('candles').close].join()"):
        first = evaluate(market, f"{FIGURE} return {look}")
        until(lambda: evaluate(market, f"{FIGURE} return {look}") != first, f"{look} moves", page=market)  # noqa: B023


def test_the_reader_chooses_another_instrument(market: Page, exchange: Exchange) -> None:
    # the last test of the shared page that cares for the instrument
    held = evaluate(market, MODELS)
    market.locator(".market .choice").select_option("ETH-USD")
    until(lambda: exchange.page.instrument is ETH, "python knows", page=market)
    until(lambda: "3,1" in "".join(texts(market, ".ladder .bid .price")[:1]), "its prices", page=market)
    for selector in (".ladder .bid .size", ".tape .lines .line", ".market .last"):
        moves(market, selector)
    until(lambda: "ETH-USD" in market.title(), "the title", page=market)
    # those of the instrument that was left do not stay, though news never rest
    until(lambda: evaluate(market, MODELS) < 1.2 * held, "the models left behind are let go", page=market)
    for selector in (".ladder .bid .size", ".tape .lines .line", ".market .last"):
        moves(market, selector)


def test_a_page_before_its_first_state_says_what_it_waits_for(
    page: Page, exchange: Exchange, address: str
) -> None:
    exchange.stop()
    page.goto(address)
    page.locator(".ladder .empty").wait_for()
    said = texts(page, ".ladder .empty") + texts(page, ".tape .empty") + texts(page, ".health .pill")
    assert said == ["Waiting for the book of BTC-USD …", "Waiting for a trade of BTC-USD …", "WAITING"]


def test_a_ladder_alone_moves_by_the_same_code(page: Page, serve: Serve) -> None:
    ladders: list[Ladder] = []

    def app() -> Ladder:
        ladders.append(Ladder(BTC, 8, theme="dark"))
        return ladders[-1]

    page.goto(serve(app))
    page.locator(".ladder .empty").wait_for()
    market = RandomMarket()
    for _ in range(5):
        bids, asks = market.levels()
        ladders[-1].update(bids, asks)
        best = PRICE(bids[0][0])
        until(lambda: texts(page, ".ladder .bid .price")[:1] == [best], "the book", page=page)  # noqa: B023
    assert len([text for text in texts(page, ".ladder .ask .price") if text]) == 8
    for left, says in ([], "no book"), (bids, "one side only"):
        ladders[-1].update(left, [])
        until(lambda: texts(page, ".ladder .middle .word")[-1] == says, says, page=page)  # noqa: B023
    assert [text for text in texts(page, ".ladder .ask .price") if text] == []
