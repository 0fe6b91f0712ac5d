import gc

import pytest
from support.waiting import until

from rtlab.book import Market
from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.lab.board import Board, Lookers
from rtlab.lab.hub import Hub
from rtlab.model import DepthSnapshot, Instrument, Side, VenueTrade

ALL = {
    one.symbol: one for one in (Instrument("BTC-USD", "0.5", "0.001"), Instrument("ETH-USD", "0.05", "0.01"))
}


class Page:
    def __init__(self):
        self.healths = []

    def update(self, health):
        self.healths.append(health)


@pytest.fixture
async def served():
    market = Market(list(ALL.values()), epoch=1)
    for symbol in ALL:
        head = {"instrument": symbol, "ts_event": 1, "ts_recv": 1}
        market.apply_depth(symbol, DepthSnapshot(**head, last_id=1, bids=[(99, 5)], asks=[(101, 4)]))

    def trade(symbol, price):
        head = {"instrument": symbol, "ts_event": 2, "ts_recv": 2}
        market.apply_trade(VenueTrade(**head, trade_id=1, aggressor_side=Side.BID, price=price, qty=1))
        gateway.publish()

    async with Gateway(market) as gateway, connect(gateway.url) as client:
        hub = Hub()
        hub.attach(client)
        board = Board(hub, ALL, lambda: {"state": "live"})
        yield board, trade
        board.close()


async def test_every_price_is_a_number_of_its_instrument(served):
    board, trade = served
    trade("BTC-USD", 100)
    await until(lambda: board.metrics.keys == ["BTC-USD"])
    trade("ETH-USD", 40)
    await until(lambda: len(board.metrics.keys) == 2)
    assert board.metrics.course("BTC-USD").newest == 50.0
    assert board.metrics.course("ETH-USD").newest == 2.0
    assert board.written("BTC-USD", 50.0) == "50.0"
    assert board.written("ETH-USD", 1234.5) == "1,234.50"


async def test_a_price_that_stands_still_grows_old(served):
    board, trade = served
    trade("BTC-USD", 100)
    await until(lambda: board.metrics.keys)
    at, version = board.metrics.course("BTC-USD").at, board.metrics.version
    await until(lambda: board.metrics.version > version + 1)
    assert board.metrics.course("BTC-USD").at == at


async def test_those_who_look_are_told_until_nobody_holds_them(served):
    board, _ = served
    pages = [Page()]
    board.lookers.join(pages[0])
    await until(lambda: pages[0].healths)
    assert pages[0].healths[0] == {"state": "live"}
    pages.clear()
    gc.collect()
    assert len(board.lookers) == 0


def test_who_leaves_is_told_nothing_more():
    lookers, page = Lookers(), Page()
    lookers.join(page)
    lookers.show({"state": "live"})
    lookers.leave(page)
    lookers.leave(page)
    lookers.show(None)
    assert page.healths == [{"state": "live"}]
