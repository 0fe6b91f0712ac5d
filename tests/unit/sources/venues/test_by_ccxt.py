import asyncio
import sys

import pytest
from support.venues.all_venues import loopback
from support.venues.server import VenueServer
from support.venues.virtual import Follower
from support.waiting import until

from rtlab.errors import ConfigError, InstrumentError, LocalError, ProtocolError, UnreachableError
from rtlab.model import DepthSnapshot, DepthUpdate, Side
from rtlab.sources.venues import open_live
from rtlab.sources.venues.by_ccxt import CcxtSource, _listing, _moved_all

MARKETS = {"X/Y": {"precision": {"price": 0.5, "amount": 1e-08}}}


class VenueFails(Exception):
    """As the exceptions of ccxt."""


class FakeExchange:
    """Gives the books and trades that were put in; an exception that was put in is raised."""

    def __init__(self):
        self.has = {"watchOrderBook": True, "watchTrades": True}
        self.markets, self.precisionMode, self.urls = MARKETS, 4, {"api": {}}
        self.books, self.trades = asyncio.Queue(), asyncio.Queue()
        self.is_closed = False

    async def load_markets(self):
        return self.markets

    async def watch_order_book(self, symbol):
        return await self._next(self.books)

    async def watch_trades(self, symbol):
        return await self._next(self.trades)

    async def _next(self, queue):
        found = await queue.get()
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self):
        self.is_closed = True


def book(bids, asks, timestamp=7):
    return {"bids": bids, "asks": asks, "timestamp": timestamp}


class Running:
    """A source that runs on a fake exchange; `told` is what it gave."""

    async def __aenter__(self):
        self.exchange, self.told = FakeExchange(), []
        listing = _listing(self.exchange, "ccxt.x", "X/Y")
        self.source = CcxtSource(self.exchange, [listing], (VenueFails,))
        self._task = asyncio.create_task(self.source.run(self.told.extend))
        return self

    async def __aexit__(self, *problem):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def after(self, count):
        await until(lambda: len(self.told) >= count)
        return self.told[count - 1]

    @property
    def sight(self):
        return self.source.sights()[0]


async def test_a_book_is_given_whole_and_then_by_what_changed():
    async with Running() as one:
        one.exchange.books.put_nowait(book([[100.5, 0.00000001], [100, 2]], [[101, 1e-07]]))
        first = await one.after(1)
        assert isinstance(first, DepthSnapshot)
        assert (first.bids, first.asks, first.ts_event) == (
            [(201, 1), (200, 200_000_000)],
            [(202, 10)],
            7_000_000,
        )
        one.exchange.books.put_nowait(book([[100.5, 0.00000003]], [[101, 1e-07]], None))
        second = await one.after(2)
        assert isinstance(second, DepthUpdate)
        assert (sorted(second.bids), second.asks) == ([(200, 0), (201, 3)], [])
        assert one.sight.state == "live"
    assert one.exchange.is_closed


def test_raw_messages_are_not_to_be_had():
    with pytest.raises(LocalError, match="as they came: expected a venue of our own"):
        CcxtSource(None, [], ()).keep_raw(print)


async def test_a_book_that_does_not_change_is_stale_and_comes_back_with_its_next_change():
    async with Running() as one:
        one.exchange.books.put_nowait(book([[100, 1]], [[101, 1]]))
        empty = await one.after(2)
        assert (empty.bids, empty.asks, one.sight.state) == ([], [], "stale")
        one.exchange.books.put_nowait(book([[100, 1]], [[101, 1]]))
        again = await one.after(3)
        assert (again.bids, one.source.statistics().staled) == ([(200, 100_000_000)], 1)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (book([[100.25, 1]], []), "off the grid"),
        (book([[100, 1]], [[100, 1]]), "sides cross"),
        (book([["x", 1]], []), "decimal"),
        (VenueFails("no network"), "ccxt: VenueFails: no network"),
    ],
)
async def test_what_is_wrong_breaks_the_book_until_a_right_one_comes(wrong, reason):
    async with Running() as one:
        one.exchange.books.put_nowait(book([[100, 1]], [[101, 1]]))
        await one.after(1)
        one.exchange.books.put_nowait(wrong)
        await until(lambda: one.sight.state == "held")
        assert reason in one.sight.reason
        one.exchange.books.put_nowait(book([[100, 3]], [[101, 1]]))
        healed = await one.after(2)
        assert (isinstance(healed, DepthSnapshot), healed.bids) == (True, [(200, 300_000_000)])
        assert one.source.statistics().resyncs == 2


async def test_trades_are_given_and_each_break_counts_as_one_lost():
    async with Running() as one:
        one.exchange.trades.put_nowait(
            [
                {"id": "8", "price": 100.5, "amount": 0.5, "side": "sell", "timestamp": 9},
                {"id": "a-b", "price": 100.5, "amount": 0.5, "side": "buy"},
                {"id": "9", "price": 100.1, "amount": 0.5, "side": "buy"},
            ]
        )
        first, second = await one.after(1), await one.after(2)
        assert (first.trade_id, first.aggressor_side, first.price, first.ts_event) == (
            8,
            Side.ASK,
            201,
            9_000_000,
        )
        assert (second.trade_id, second.aggressor_side) == (2, Side.BID)
        one.exchange.trades.put_nowait(VenueFails("gone"))
        await until(lambda: one.source.trades_lost == 1)
        found = one.source.statistics()
        assert (found.trades, found.trades_lost, found.lost, found.unreadable) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("mode", "precision", "grid"),
    [
        (4, {"price": 0.1, "amount": 1e-08}, ("0.1", "1E-8")),
        (2, {"price": 1, "amount": 8}, ("0.1", "1E-8")),
        (4, {"price": 25.0, "amount": 1}, ("25.0", "1")),
    ],
)
def test_grids_are_read_in_both_ways_in_which_ccxt_states_them(mode, precision, grid):
    exchange = FakeExchange()
    exchange.markets, exchange.precisionMode = {"X/Y": {"precision": precision}}, mode
    found = _listing(exchange, "ccxt.x", "X/Y").instrument
    assert (str(found.tick_size), str(found.lot_size)) == grid


@pytest.mark.parametrize(
    ("mode", "precision"),
    [
        (4, None),
        (4, {"price": None, "amount": 1}),
        (4, {"price": 0, "amount": 1}),
        (3, {"price": 5, "amount": 5}),
    ],
)
def test_a_grid_that_is_not_stated_is_an_error_and_no_guess(mode, precision):
    exchange = FakeExchange()
    exchange.markets, exchange.precisionMode = {"X/Y": {"precision": precision}}, mode
    with pytest.raises(ProtocolError, match="states no grid of X/Y"):
        _listing(exchange, "ccxt.x", "X/Y")


def test_an_instrument_that_ccxt_does_not_list_is_told_with_the_nearest():
    with pytest.raises(InstrumentError, match="expected X/Y"):
        _listing(FakeExchange(), "ccxt.x", "XY")


def test_every_address_moves():
    urls = {"ws": {"a": "wss://a.com/v2"}, "rest": "https://a.com/x", "doc": ["y"], "none": None}
    assert _moved_all(urls, "http://127.0.0.1:1") == {
        "ws": {"a": "ws://127.0.0.1:1/v2"},
        "rest": "http://127.0.0.1:1/x",
        "doc": ["y"],
        "none": None,
    }


async def test_an_unknown_venue_of_ccxt_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"ccxt follows no such venue live: expected kraken.*got krakn"):
        await CcxtSource.open("ccxt.krakn:BTC/USD")


async def test_without_the_extra_the_mend_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt.pro", None)
    with pytest.raises(LocalError, match=r"pip install 'rtlab\[venues\]'"):
        await CcxtSource.open("ccxt.kraken:BTC/USD")


async def test_a_venue_that_is_not_there_is_unreachable():
    with pytest.raises(UnreachableError, match=r"ccxt\.kraken does not answer"):
        await CcxtSource.open("ccxt.kraken:BTC/USD", "http://127.0.0.1:1")


async def test_the_real_ccxt_follows_the_loopback_and_its_book_is_the_venues():
    async with VenueServer(loopback("kraken")) as server:
        source = await open_live("ccxt.kraken:BTC/USD", server.url)
        assert isinstance(source, CcxtSource)
        follower, truth = Follower(), server.venue.books["BTC/USD"]
        running = asyncio.create_task(source.run(follower.take))
        await until(lambda: truth.was(*follower.levels("BTC/USD"), 10))
        await until(lambda: follower.trades.get("BTC/USD"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert source.statistics().mismatches == 0
