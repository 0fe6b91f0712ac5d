"""The ladder in a real browser: own orders at their prices, and a walk from price to price by keyboard."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from support.browser import until

from rtlab.engine import QueuePosition
from rtlab.model import Instrument, Side
from rtlab.views import Ladder

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]
BTC = Instrument("BTC-USD", "0.10", "0.001")
OWN = [
    QueuePosition(1, Side.BID, 999, 250, 250, 2, 1_400),
    QueuePosition(2, Side.ASK, 1001, 500, 500, 0, 0),
]


def test_prices_are_walked_and_chosen_by_keyboard_and_own_orders_are_seen_and_said(page: Page, serve: Serve):
    chosen: list[tuple[Side, int]] = []

    def app() -> Ladder:
        ladder = Ladder(BTC, 8)
        ladder.update(
            [(1000 - i, 1000 + 50 * i) for i in range(5)], [(1001 + i, 700 + 90 * i) for i in range(5)]
        )
        ladder.own(OWN)
        ladder.on_choose = lambda side, ticks: chosen.append((side, ticks))
        return ladder

    page.set_viewport_size({"width": 420, "height": 480})
    page.goto(serve(app))
    page.locator(".ladder .own", has_text="0.250 own, 1.400 ahead").wait_for()
    rows = page.get_by_label("Order book of BTC-USD")
    rows.focus()
    said = page.locator(".ladder .said")
    until(lambda: said.inner_text() == "bid 100.0, 1.000", "the best bid", page=page)
    page.keyboard.press("ArrowDown")
    until(lambda: said.inner_text() == "bid 99.9, 1.050, 0.250 own, 1.400 ahead", "the next", page=page)
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    assert said.inner_text() == "ask 100.1, 0.700, 0.500 own, first"
    page.keyboard.press("Enter")
    for _ in range(9):
        page.keyboard.press("ArrowUp")  # rows without a level are not walked to
    assert said.inner_text().startswith("ask 100.5, ")
    page.locator(".ladder .bid .price", has_text="99.8").click()
    until(lambda: len(chosen) == 3, "all three", page=page)
    assert chosen == [(Side.BID, 999), (Side.ASK, 1001), (Side.BID, 998)]
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    shots = Path(__file__).resolve().parents[2] / ".shots"
    shots.mkdir(exist_ok=True)
    page.screenshot(path=shots / "ladder.png")
