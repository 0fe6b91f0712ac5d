import pytest
from jinja2 import Environment
from support.looker import Looker, looking_at
from support.random_market import BTC, ETH, SECOND, RandomMarket

from rtlab.errors import InstrumentError
from rtlab.model import Instrument
from rtlab.views.page import MarketPage, MarketState
from rtlab.views.price import Prices
from rtlab.views.shell import DOCUMENT


class Shop:
    """Gives the page what it asks for, and notes what that was."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.prices = {one.symbol: Prices(one) for one in (BTC, ETH)}
        self.market = RandomMarket()

    def choose(self, instrument: Instrument) -> Prices:
        self.asked.append(instrument.symbol)
        return self.prices[instrument.symbol]

    def state(self, trades: int = 5) -> MarketState:
        columns = self.market.trades(trades)
        self.prices["BTC-USD"].append(columns)
        bids, asks = self.market.levels()
        health = {"state": "live", "messages": self.market.now // SECOND}
        return MarketState(bids, asks, self.market.last, self.market.newest_bars(50), columns, health)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def page(shop: Shop) -> MarketPage:
    return MarketPage([BTC, ETH], on_instrument=shop.choose)


def settle(page: MarketPage, looker: Looker) -> None:
    for _ in range(3):
        page.beat.pace._due.clear()
        looker.say(page.beat, {"painted": page.beat.pace.statistics().drawn})


def test_a_page_begins_with_the_first_instrument(page: MarketPage, shop: Shop) -> None:
    assert shop.asked == ["BTC-USD"]
    assert page.instrument is BTC
    assert page.visual.symbols == ["BTC-USD", "ETH-USD"]
    assert page.price.prices is shop.prices["BTC-USD"]


def test_a_page_without_instruments_is_refused(shop: Shop) -> None:
    with pytest.raises(InstrumentError, match="at least one"):
        MarketPage([], on_instrument=shop.choose)


def test_a_state_reaches_every_panel_in_one_drawing(page: MarketPage, shop: Shop) -> None:
    with looking_at(page) as looker:
        settle(page, looker)
        looker.forget()
        before = page.beat.pace.statistics().drawn
        page.update(shop.state())
        assert page.beat.pace.statistics().drawn == before + 1
        assert looker.last(page.ladder.visual)["bids"]
        assert looker.last(page.tape.visual)["rows"]
        assert sum(looker.last(page.profile.visual)["rows"]) > 0
        assert looker.last(page._health.visual)["state"] == "live"
        assert looker.last(page.visual)["last"] is not None
        assert looker.columns_sent() >= 3  # both sides of the depth and its window, the candles
        settle(page, looker)
    assert len(page.depth._sources[0].data["x"]) > 1
    assert len(page.candles._table.source.data["x"]) == len(shop.market.newest_bars(50))


def test_the_header_tells_the_last_price_and_its_way(page: MarketPage) -> None:
    with looking_at(page) as looker:
        ways = []
        for last in (100, 90, 90, 120):
            page.update(MarketState([(1, 1)], [(2, 1)], last))
            settle(page, looker)
            told = looker.last(page.visual)
            ways.append((told["last"], told["way"]))
    assert ways == [("10.0", 0), ("9.0", -1), ("9.0", -1), ("12.0", 1)]


def test_an_empty_state_is_shown_as_waiting(page: MarketPage) -> None:
    with looking_at(page) as looker:
        page.update(MarketState([], []))
        settle(page, looker)
        assert looker.last(page.visual) == {"last": None, "way": 0}
        assert page.depth._waiting.text
        assert page.candles._waiting.text


def test_the_reader_chooses_an_instrument(page: MarketPage, shop: Shop) -> None:
    with looking_at(page) as looker:
        page.update(shop.state())
        old = page.ladder
        looker.say(page.visual, {"symbol": "ETH-USD"})
        assert shop.asked == ["BTC-USD", "ETH-USD"]
        assert page.instrument is ETH
        assert page.ladder is not old
        assert page.visual.symbol == "ETH-USD"
        assert page.ladder.visual in page.visual.panels
        page.update(MarketState([(5, 1)], [(7, 1)], 6))
        settle(page, looker)
        assert looker.last(page.visual)["last"] == "0.06"
        assert old not in page.beat.pace._due


@pytest.mark.parametrize("symbol", ["BTC-USD", "DOGE-USD", "", None, 7, ["ETH-USD"]])
def test_a_choice_that_makes_no_sense_or_none_changes_nothing(
    page: MarketPage, shop: Shop, symbol: object
) -> None:
    with looking_at(page) as looker:
        old = page.ladder
        looker.say(page.visual, {"symbol": symbol})
        assert page.ladder is old
    assert shop.asked == ["BTC-USD"]


def test_a_caller_that_chooses_an_unknown_instrument_is_told(page: MarketPage) -> None:
    with pytest.raises(InstrumentError, match="BTC-USD, ETH-USD"):
        page.choose("DOGE-USD")
    assert page.instrument is BTC


@pytest.mark.parametrize("preferred", ["light", "dark"])
def test_the_first_theme_is_what_the_reader_prefers(page: MarketPage, preferred: str) -> None:
    with looking_at(page) as looker:
        looker.say(page.visual, {"ready": True, "theme": preferred})
        assert page.theme == preferred
        assert {panel.theme for panel in page._panels.values()} == {preferred}
        assert page.visual.theme == preferred
        looker.say(page.visual, {"ready": True, "theme": "light"})
        assert page.theme == preferred  # asked once: from then on the switch decides
        for wanted in ("light", "dark", "light"):
            looker.say(page.visual, {"wear": wanted})
            assert (page.theme, page.price.theme) == (wanted, wanted)
        looker.say(page.visual, {"wear": "purple"})
        assert page.theme == "light"


def test_a_theme_that_was_given_is_not_asked_for(shop: Shop) -> None:
    page = MarketPage([BTC], on_instrument=shop.choose, theme="dark")
    with looking_at(page) as looker:
        looker.say(page.visual, {"ready": True, "theme": "light"})
    assert page.theme == "dark"


@pytest.mark.parametrize("wish", [None, "", "sepia", 1])
def test_a_wish_for_another_theme_is_left_alone(page: MarketPage, wish: object) -> None:
    with looking_at(page) as looker:
        looker.say(page.visual, {"ready": True, "theme": wish})
    assert page.theme == "light"


def test_the_switch_reaches_every_panel(page: MarketPage) -> None:
    with looking_at(page):
        page.visual.theme = "dark"  # as the browser sets it
    assert page.theme == "dark"
    assert {panel.theme for panel in page._panels.values()} == {"dark"}
    assert page._health.theme == "dark"


def test_panels_of_a_new_instrument_wear_the_chosen_theme(page: MarketPage) -> None:
    page.theme = "dark"
    page.choose("ETH-USD")
    assert {panel.theme for panel in page._panels.values()} == {"dark"}


def test_a_view_that_appears_again_is_shown_everything(page: MarketPage, shop: Shop) -> None:
    with looking_at(page) as looker:
        page.update(shop.state())
        settle(page, looker)
        looker.forget()
        looker.say(page.beat, {"ready": True})
        looker.say(page.tape.visual, {"ready": True})
        settle(page, looker)
        assert looker.last(page.ladder.visual)["bids"]
        assert looker.last(page.tape.visual)["first"] == 0
        assert looker.last(page.visual)["last"] is not None


def test_charts_of_a_page_stand_on_its_surface_in_either_theme(page: MarketPage) -> None:
    for theme in ("light", "dark"):
        page.theme = theme
        assert {chart._figure.border_fill_color for chart in (page.depth, page.candles)} == {None}


def test_the_profile_of_volume_can_show_what_the_price_chart_shows(page: MarketPage, shop: Shop) -> None:
    with looking_at(page) as looker:
        page.update(shop.state(60))
        looker.say(page.profile.visual, {"whole": False})
        page.price.plot.window = (shop.prices["BTC-USD"].pyramid.x[50], 1e15)
        page.update(shop.state(5))
        settle(page, looker)
        assert looker.last(page.profile.visual)["note"].startswith("15 trades")


def test_two_pages_share_prices_and_nothing_else(shop: Shop) -> None:
    pages = [MarketPage([BTC], on_instrument=shop.choose) for _ in range(2)]
    assert pages[0].price.prices is pages[1].price.prices
    assert pages[0].profile.volume is pages[1].profile.volume
    pages[0].theme = "dark"
    assert pages[1].theme == "light"
    pages[0].update(shop.state())
    assert pages[1].tape.statistics().trades == 0


def test_a_served_page_is_fit_for_a_phone_and_asks_no_other_host(page: MarketPage) -> None:
    template = page.served()
    assert page.visual.alone
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in DOCUMENT
    assert "http" not in DOCUMENT
    assert "page" in repr(template)
    Environment(autoescape=True).parse(DOCUMENT)


def test_scripts_and_styles_of_the_page_name_no_address(page: MarketPage) -> None:
    faces = [page.visual, page._health.visual, page.ladder.visual, page.tape.visual, page.beat]
    text = "".join(face._render_esm() + "".join(face.stylesheets) for face in faces)
    assert "https://" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in text


def test_repr_tells_instrument_and_last_price(page: MarketPage) -> None:
    assert repr(page) == "MarketPage(BTC-USD of BTC-USD, ETH-USD)"
    page.update(MarketState([], [], 612_345))
    assert repr(page) == "MarketPage(BTC-USD of BTC-USD, ETH-USD, last=61,234.5)"
