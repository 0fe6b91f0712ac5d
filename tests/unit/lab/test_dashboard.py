import gc
import weakref

import pytest

from rtlab.errors import ConfigError, InstrumentError
from rtlab.lab.dashboard import Dashboard
from rtlab.model import Instrument
from rtlab.views import DepthHistory, MarketState, Prices
from rtlab.views.bubbles import Trades

BTC, ETH = Instrument("BTC-USD", "0.5", "0.001"), Instrument("ETH-USD", "0.05", "0.01")


class Watched:
    def __init__(self, instrument):
        self.prices, self.eyes = Prices(instrument), weakref.WeakSet()

    def join(self, eye):
        self.eyes.add(eye)

    def leave(self, eye):
        self.eyes.discard(eye)


class Lab:
    """The part of a lab that a dashboard uses."""

    symbols = ("BTC-USD", "ETH-USD")

    def __init__(self):
        self.all = {one.symbol: Watched(one) for one in (BTC, ETH)}

    def instrument(self, symbol):
        if symbol not in self.all:
            raise InstrumentError("the feed has no such instrument", got=symbol)
        return {"BTC-USD": BTC, "ETH-USD": ETH}[symbol]

    def watched(self, symbol):
        return self.all[symbol]


def test_it_looks_at_the_first_instrument_and_at_the_one_that_is_chosen():
    lab = Lab()
    dashboard = Dashboard(lab)
    assert list(lab.all["BTC-USD"].eyes) == [dashboard]
    dashboard.page.choose("ETH-USD")
    assert list(lab.all["BTC-USD"].eyes) == []
    assert list(lab.all["ETH-USD"].eyes) == [dashboard]


def test_it_begins_with_the_instrument_that_was_asked_for():
    assert Dashboard(Lab(), symbol="ETH-USD").page.instrument is ETH
    with pytest.raises(InstrumentError, match="DOGE"):
        Dashboard(Lab(), symbol="DOGE")


def test_the_depth_page_shares_what_is_recorded():
    lab = Lab()
    lab.all["BTC-USD"].depth = lambda: (history, Trades())
    history = DepthHistory(BTC)
    assert Dashboard(lab, kind="depth").page.heat.history is history
    with pytest.raises(ConfigError, match='"market" or "depth", got odd'):
        Dashboard(lab, kind="odd")


def test_a_state_may_come_at_once_in_the_labs_thread():
    lab = Lab()
    lab.all["BTC-USD"].join = lambda eye: eye.update(MarketState([(100, 5)], [(101, 4)], 101))
    assert "last=50.5" in repr(Dashboard(lab))


def test_each_tab_has_a_page_of_its_own_of_the_same_instrument(monkeypatch):
    lab, made = Lab(), []
    dashboard = Dashboard(lab, theme="dark")
    dashboard.page.choose("ETH-USD")
    monkeypatch.setattr(Dashboard, "served", lambda self: made.append(self) or self)
    assert [dashboard._for_a_tab(), dashboard._for_a_tab()] == made
    assert {(one.page.instrument.symbol, one.page.theme) for one in made} == {("ETH-USD", "dark")}
    assert set(lab.all["ETH-USD"].eyes) == {dashboard, *made}


def test_states_reach_the_page():
    dashboard = Dashboard(Lab())
    dashboard.update(MarketState([(100, 5)], [(101, 4)], 101))
    assert "last=50.5" in repr(dashboard)


def test_looking_again_begins_the_same_instrument_anew():
    lab = Lab()
    dashboard = Dashboard(lab, symbol="ETH-USD")
    before = dashboard.page.price
    dashboard.look_again()
    assert dashboard.page.price is not before
    assert dashboard.page.instrument is ETH
    assert list(lab.all["ETH-USD"].eyes) == [dashboard]


def test_closed_it_is_shown_nothing_more():
    lab = Lab()
    dashboard = Dashboard(lab)
    dashboard.close()
    dashboard.close()
    assert list(lab.all["BTC-USD"].eyes) == []


def test_one_that_nobody_holds_goes_and_leaves_nothing_behind():
    lab = Lab()
    gone = weakref.ref(Dashboard(lab))
    gc.collect()
    assert gone() is None
    assert list(lab.all["BTC-USD"].eyes) == []
