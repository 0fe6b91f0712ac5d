import asyncio
import gc

import pytest
from support.waiting import until

from rtlab.book import Market
from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.lab import eyes
from rtlab.lab.eyes import Watched
from rtlab.lab.hub import Hub
from rtlab.model import DepthSnapshot, Instrument, Side, VenueTrade

BTC = Instrument("BTC-USD", "0.5", "0.001")
SECOND = 1_000_000_000


class Page:
    """A page that remembers what it was shown."""

    def __init__(self):
        self.states, self.anew = [], 0

    def update(self, state):
        self.states.append(state)

    def look_again(self):
        self.anew += 1

    @property
    def trades(self):
        return [ts for state in self.states if state.trades for ts in state.trades["ts"]]


class Served:
    def __init__(self, market, gateway, watched, hub):
        self.market, self.gateway, self.watched, self.hub = market, gateway, watched, hub

    def trade(self, ts, price=100):
        head = {"instrument": "BTC-USD", "ts_event": ts, "ts_recv": ts}
        self.market.apply_trade(VenueTrade(**head, trade_id=1, aggressor_side=Side.BID, price=price, qty=1))
        self.gateway.publish()


@pytest.fixture
async def served():
    market = Market([BTC], epoch=1)
    head = {"instrument": "BTC-USD", "ts_event": 1, "ts_recv": 1}
    market.apply_depth("BTC-USD", DepthSnapshot(**head, last_id=1, bids=[(99, 5)], asks=[(101, 4)]))
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        hub = Hub()
        hub.attach(client)
        watched = Watched(hub, BTC, lambda: {"state": "live"}, 100)
        yield Served(market, gateway, watched, hub)
        watched.close()


async def test_a_page_is_shown_book_bars_trades_and_health(served):
    page = Page()
    served.watched.join(page)
    served.trade(SECOND, 100)
    await until(lambda: page.trades == [SECOND])
    last = page.states[-1]
    assert (last.bids, last.asks, last.last) == ([(99, 5)], [(101, 4)], 100)
    assert last.health == {"state": "live"}
    assert any(bar[0] == SECOND for state in page.states for bar in state.bars)


async def test_a_page_that_comes_later_is_shown_what_the_others_saw(served):
    first, second = Page(), Page()
    served.watched.join(first)
    for i in range(5):
        served.trade((i + 1) * SECOND)
    await until(lambda: len(first.trades) == 5)
    served.watched.join(second)
    await until(lambda: second.states)
    assert second.trades == first.trades
    assert {bar[0] for bar in second.states[0].bars} == {(i + 1) * SECOND for i in range(5)}
    assert len(served.watched.prices) == 5


async def test_only_what_is_new_is_shown_again(served):
    page = Page()
    served.watched.join(page)
    for i in range(5):
        served.trade((i + 1) * SECOND)
    await until(lambda: len(page.trades) == 5)
    page.states.clear()
    served.trade(6 * SECOND)
    await until(lambda: page.trades == [6 * SECOND])
    assert {bar[0] for state in page.states for bar in state.bars} <= {5 * SECOND, 6 * SECOND}


async def test_a_page_that_left_or_that_nobody_holds_is_shown_nothing(served):
    stays, leaves = Page(), Page()
    served.watched.join(stays)
    served.watched.join(leaves)
    served.watched.join(Page())
    gc.collect()
    await until(lambda: leaves.states)
    served.watched.leave(leaves)
    seen = len(leaves.states)
    served.trade(SECOND)
    await until(lambda: stays.trades)
    assert len(leaves.states) == seen
    assert len(served.watched._eyes) == 1


async def test_health_is_shown_while_nothing_else_is_new(served):
    page = Page()
    served.watched.join(page)
    await until(lambda: len(page.states) >= 3, 5)


async def test_a_market_that_begins_anew_begins_the_pages_anew(served):
    page = Page()
    served.watched.join(page)
    served.trade(100 * SECOND)
    await until(lambda: page.trades)
    served.trade(10 * SECOND)
    await until(lambda: page.anew == 1)
    assert served.watched.prices.pyramid.x.tolist() == [10_000.0]


async def test_the_prices_that_are_kept_are_bounded_and_the_others_counted(served, monkeypatch):
    monkeypatch.setattr(eyes, "MOST_POINTS", 10)
    page = Page()
    served.watched.join(page)
    for i in range(25):
        served.trade((i + 1) * SECOND)
        await until(lambda i=i: page.trades[-1:] == [(i + 1) * SECOND])
    assert len(served.watched.prices) <= 10
    assert served.watched.forgotten + len(served.watched.prices) == 25
    assert served.watched.prices.pyramid.x[-1] == 25_000.0
    assert page.anew >= 2


async def test_closing_ends_the_task(served):
    served.watched.close()
    await asyncio.wait([served.watched._task], timeout=5)
    assert served.watched._task.cancelled()


async def test_who_comes_when_trades_are_followed_already_begins_with_those(served):
    page = Page()
    served.watched.join(page)
    for i in range(3):
        served.trade((i + 1) * SECOND)
    await until(lambda: len(page.trades) == 3)
    second = Watched(served.hub, BTC, dict, 100)
    late = Page()
    second.join(late)
    await until(lambda: late.trades == page.trades)
    assert len(second.prices) == 3
    second.close()


async def test_the_depth_is_recorded_from_the_first_that_asks_for_it_on(served):
    served.watched.join(page := Page())
    served.trade(SECOND)
    await until(lambda: page.trades)
    history, tape = served.watched.depth()
    assert served.watched.depth() == (history, tape)
    assert (history.newest, tape.total) == (-1, 0)
    served.trade(2 * SECOND, 101)
    await until(lambda: tape.total)
    assert history.middle() == 100
    assert tape.since(0)[:, 1].tolist() == [101]
    # book and trades by the clock of this machine, not the market's
    assert tape.since(0)[0, 0] // history.interval_ns == pytest.approx(history.newest, abs=60)


async def test_when_nobody_looks_any_more_its_subscriptions_end(served, monkeypatch):
    monkeypatch.setattr(eyes, "LINGER_S", 0.2)
    ended = []
    hub = served.hub
    assert len(hub.wishes) == 3
    served.watched.close()  # its shares stay: they end with the client
    second = Watched(hub, BTC, dict, 100, on_end=lambda: ended.append(True))
    second.join(page := Page())
    served.trade(SECOND)
    await until(lambda: page.trades)
    await asyncio.sleep(0.4)
    assert not ended  # somebody looks
    users = {wish: hub.follow(wish).users for wish in hub.wishes}
    second.leave(page)
    await until(lambda: ended)
    assert {wish: hub.follow(wish).users for wish in hub.wishes} == users
    assert second._task.done() or await asyncio.wait([second._task], timeout=5)


async def test_a_page_that_is_loaded_again_finds_what_was_shared(served, monkeypatch):
    monkeypatch.setattr(eyes, "LINGER_S", 0.5)
    ended = []
    second = Watched(served.hub, BTC, dict, 100, on_end=lambda: ended.append(True))
    second.join(page := Page())
    await until(lambda: page.states)
    second.leave(page)
    second.join(again := Page())
    await until(lambda: len(again.states) > 3)  # longer than it would have waited
    assert not ended
    second.leave(again)
    await until(lambda: ended)
