"""The depth heat map in a real browser: what it paints, what travels, and what the mouse does not repaint."""

import threading
from base64 import b64decode
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from support.browser import Watch, until
from support.random_market import BTC, RandomMarket

from rtlab.views import DepthHeatmap, DepthHistory
from rtlab.views.bubbles import Trades

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]

# the shadow roots of Bokeh's components hide it
HEAT = """
const walk = (root) => {
  for (const node of root.querySelectorAll("*")) {
    if (node.matches(".rt.heat")) return node
    const found = node.shadowRoot && walk(node.shadowRoot)
    if (found) return found
  }
}
const heat = walk(document)?.rtlab_heat
"""
STATE = f"""() => {{ {HEAT}
  if (!heat?.shown) return null
  const {{ first, last, base, rows, columns, scale }} = heat.shown
  return {{ first, last, base, rows, columns, scale, paints: heat.paints, view: heat.view, shown: heat.shown.view,
            dropped: heat.dropped, badge: heat.badge.innerText, end: heat.end,
            label: heat.over.getAttribute("aria-label"), bubbles: heat.bubbles.size,
            sum: heat.cells.reduce((sum, value, i) => (sum * 31 + value) % 1000003, 7) }}
}}"""
CELLS = f"""() => {{ {HEAT}
  return btoa(String.fromCharCode.apply(null, heat.cells.subarray(0, 60000))) + " " +
         btoa(String.fromCharCode.apply(null, heat.cells.subarray(60000)))
}}"""
# how different the canvas is from one colour, and whether it still is what the cells say
INK = f"""() => {{ {HEAT}
  const {{ width, height }} = heat.dense
  const data = heat.dense.getContext("2d").getImageData(0, 0, width, height).data
  const colours = new Set()
  for (let i = 0; i < data.length; i += 4 * 97) colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
  return colours.size
}}"""


class Flow:
    """A market that says what rests in its book thirty times a second, from a thread."""

    def __init__(self) -> None:
        self.history, self.trades = DepthHistory(BTC), Trades()
        self.market = RandomMarket(5)
        self.views: list[DepthHeatmap] = []
        self._flowing, self._ending = threading.Event(), threading.Event()
        self._levels = self.market.levels()
        for _ in range(900):
            self._step()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def app(self) -> DepthHeatmap:
        self.views.append(DepthHeatmap(BTC, self.history, self.trades, theme="dark"))
        return self.views[-1]

    def flow(self, flows: bool) -> None:
        (self._flowing.set if flows else self._flowing.clear)()

    def end(self) -> None:
        self._ending.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ending.wait(1 / 30):
            if self._flowing.is_set():
                self._step()
                for view in self.views:
                    view.refresh()

    def _step(self) -> None:
        # a book of which some levels change, as a real one does
        market = self.market
        market.now += self.history.interval_ns
        fresh = market.levels()
        kept = {price: lots for side in self._levels for price, lots in side}
        self._levels = tuple(
            [(price, lots if market.random.random() < 0.1 else kept.get(price, lots)) for price, lots in side]
            for side in fresh
        )
        self.history.append(market.now, *self._levels)
        if market.random.random() < 0.2:
            self.trades.append(market.trades(1, every=0))


@pytest.fixture(scope="module")
def flow() -> Iterator[Flow]:
    made = Flow()
    yield made
    made.end()


@pytest.fixture(scope="module")
def shared(browser: Browser, serve: Serve, flow: Flow) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    page.goto(serve(flow.app))
    until(lambda: page.evaluate(STATE), "the first picture", page=page)
    yield page
    page.close()
    watch.check()


@pytest.fixture
def shown(shared: Page, flow: Flow) -> Iterator[Page]:
    """One page for all; each test leaves it live and as wide as it was."""
    flow.flow(False)
    yield shared
    flow.flow(False)


def cells(page: Page, now: dict) -> np.ndarray:
    """The cells that the page holds, oldest column first."""
    ring = np.frombuffer(b"".join(map(b64decode, page.evaluate(CELLS).split())), np.uint8)
    order = np.arange(now["first"], now["last"] + 1) % now["columns"]
    return ring.reshape(now["columns"], now["rows"])[order]


def assert_is_picture(page: Page, now: dict, flow: Flow) -> None:
    seen = flow.history.picture(now["scale"], now["first"], now["columns"], now["base"], now["rows"])
    assert np.array_equal(cells(page, now), seen.cells)


def settled(page: Page) -> dict:
    states: list[dict] = []

    def quiet() -> bool:
        states.append(page.evaluate(STATE))
        return len(states) > 6 and all(one == states[-1] for one in states[-6:])

    until(quiet, "quiet", page=page)
    return states[-1]


def test_after_many_columns_the_ring_holds_what_the_history_says(shown: Page, flow: Flow):
    before = settled(shown)
    assert_is_picture(shown, before, flow)
    flow.flow(True)
    until(lambda: shown.evaluate(STATE)["last"] > before["last"] + 15, "news", page=shown)
    flow.flow(False)
    now = settled(shown)
    assert_is_picture(shown, now, flow)
    assert now["bubbles"] > 0
    assert "best bid" in now["label"]
    assert shown.evaluate(INK) > 20


def test_the_mouse_repaints_nothing_of_the_picture(shown: Page, flow: Flow):
    before = settled(shown)
    for x in range(200, 700, 10):
        shown.mouse.move(x, 150 + x / 10)
    assert settled(shown)["paints"] == before["paints"]


def test_the_wheel_drag_and_keys_look_elsewhere_and_one_gesture_goes_back(shown: Page, flow: Flow):
    before = settled(shown)
    shown.mouse.move(500, 200)
    shown.mouse.wheel(0, -100)
    zoomed = until(
        lambda: (now := settled(shown))["scale"] == before["scale"] - 1 and now, "zoom", page=shown
    )
    assert_is_picture(shown, zoomed, flow)
    shown.mouse.down()
    shown.mouse.move(650, 220, steps=5)
    shown.mouse.up()
    past = settled(shown)
    assert past["last"] < zoomed["last"]
    until(lambda: "paused" in shown.evaluate(STATE)["badge"], "the badge", page=shown)
    assert_is_picture(shown, past, flow)
    shown.keyboard.press("ArrowLeft")  # the press gave it the focus
    further = until(lambda: (now := settled(shown))["last"] < past["last"] and now, "further", page=shown)
    assert_is_picture(shown, further, flow)
    shown.mouse.dblclick(500, 200)
    back = until(lambda: (now := settled(shown))["end"] is None and now, "live again", page=shown)
    assert back["last"] >= zoomed["last"]
    shown.mouse.wheel(0, 100)
    until(lambda: settled(shown)["scale"] == before["scale"], "as wide as before", page=shown)


def test_space_holds_the_picture_while_the_market_goes_on(shown: Page, flow: Flow):
    shown.locator(".over").focus()
    shown.keyboard.press(" ")
    held = settled(shown)
    flow.flow(True)
    shown.wait_for_timeout(500)
    assert shown.evaluate(STATE)["sum"] == held["sum"]
    shown.keyboard.press(" ")
    until(lambda: shown.evaluate(STATE)["last"] > held["last"], "live again", page=shown)


def test_what_is_seen_is_kept_as_numbers_and_as_a_picture(shown: Page, flow: Flow):
    now = settled(shown)
    kept = {}
    for kind in ("Numbers (CSV)", "Picture (PNG)"):
        shown.get_by_role("button", name="Keep or read what is seen").press("Enter")
        with shown.expect_download() as download:
            shown.get_by_role("button", name=kind).press("Enter")
        kept[kind] = download.value.path()
    rows = kept["Numbers (CSV)"].read_text().splitlines()
    assert rows[0] == "time,price,size"
    assert len(rows) - 1 == np.count_nonzero(cells(shown, now)) > 1000
    assert rows[1] < rows[-1]
    picture = Image.open(kept["Picture (PNG)"]).convert("RGB")
    assert len(picture.getcolors(1 << 20)) > 20


def test_a_feed_that_stops_is_visibly_frozen(shown: Page, flow: Flow):
    before = shown.evaluate(STATE)["last"]
    flow.flow(True)
    until(
        lambda: (now := shown.evaluate(STATE))["last"] > before and "live" in now["badge"],
        "live",
        page=shown,
    )
    flow.flow(False)
    until(lambda: "frozen" in shown.evaluate(STATE)["badge"], "frozen", page=shown)


def test_news_cost_a_small_part_of_the_picture(shown: Page, flow: Flow):
    frames: list[int] = []
    devtools = shown.context.new_cdp_session(shown)
    devtools.send("Network.enable")
    devtools.on(
        "Network.webSocketFrameReceived", lambda event: frames.append(len(event["response"]["payloadData"]))
    )
    before = settled(shown)
    view, start = flow.views[-1], len(frames)
    drawn = view.beat.pace.statistics().drawn
    flow.flow(True)
    until(lambda: view.beat.pace.statistics().drawn > drawn + 60, "sixty drawings", page=shown)
    flow.flow(False)
    settled(shown)
    drawings = view.beat.pace.statistics().drawn - drawn
    a_drawing = sum(frames[start:]) / drawings
    # 200 x 600 cells at 30 Hz: 20 kB a second are 667 bytes a drawing
    whole = before["rows"] * before["columns"]
    print(
        f"{a_drawing:.0f} bytes a drawing: {0.03 * a_drawing:.1f} kB/s at 30 Hz; resent {0.03 * whole:.0f} kB/s"
    )
    assert a_drawing <= 1.3 * 667
    assert a_drawing < whole / 50
