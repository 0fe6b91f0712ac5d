import pytest
from support.looker import looking_at
from support.random_market import BTC, ETH, RandomMarket

from rtlab.views.bubbles import Trades
from rtlab.views.depth_history import DepthHistory
from rtlab.views.depth_page import DepthPage
from rtlab.views.page import MarketState
from rtlab.views.price import Prices

LOOK = {"type": "look", "view": 0, "scale": 0, "columns": 40, "rows": 100}


class Shop:
    def __init__(self) -> None:
        self.depths = {one.symbol: (DepthHistory(one), Trades()) for one in (BTC, ETH)}

    def page(self) -> DepthPage:
        depth = self.depths
        return DepthPage([BTC, ETH], on_instrument=Prices, on_depth=lambda one: depth[one.symbol])


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_state_reaches_ladder_tape_and_header_and_the_history_the_picture(shop):
    page, market = shop.page(), RandomMarket()
    bids, asks = market.levels()
    shop.depths["BTC-USD"][0].append(market.now, bids, asks)
    with looking_at(page) as looker:
        looker.say(page.heat.visual, LOOK)
        page.update(MarketState(bids, asks, market.last, (), market.trades(3), {"state": "live"}))
        for _ in range(3):
            page.beat.pace._due.clear()
            looker.say(page.beat, {"painted": page.beat.pace.statistics().drawn})
        assert any(message.get("whole") for message in looker.messages(page.heat.visual))
        assert looker.last(page.ladder.visual)["bids"]
        assert looker.last(page.tape.visual)["rows"]
        assert looker.last(page.visual)["last"] is not None


def test_pages_share_a_history_and_each_has_its_own_window(shop):
    first, second = shop.page(), shop.page()
    assert first.heat.history is second.heat.history
    assert first.heat._window is not second.heat._window


def test_another_instrument_has_its_own_history(shop):
    page = shop.page()
    page.choose("ETH-USD")
    assert page.heat.history is shop.depths["ETH-USD"][0]
    assert repr(page) == "DepthPage(ETH-USD of BTC-USD, ETH-USD)"
