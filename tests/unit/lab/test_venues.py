import asyncio
import logging
from contextlib import asynccontextmanager

import msgspec
import pytest
from support.recording import room
from support.venues.all_venues import NAMES, loopback
from support.venues.server import VenueServer
from support.waiting import until

import rtlab
from rtlab.book import Market
from rtlab.client import connect
from rtlab.config import Settings
from rtlab.errors import ConfigError, InstrumentError, UnreachableError
from rtlab.lab.recording import target_of
from rtlab.lab.serving import lab_of
from rtlab.lab.venues import LiveMarket, opened, record_live, serve_live
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Quote, Side, VenueTrade
from rtlab.sources.venues import Sight

XY = Instrument("XY", 1, 1)


class FakeLive:
    """A live source that says what the test wants."""

    def __init__(self):
        self.instruments = [XY]
        self.trades_lost = 0
        self.state, self.reason = "live", ""

    def sights(self):
        return [Sight("XY", self.state, self.reason, 0, 0, 0, 0, 0)]


def snapshot(bids, asks, ts=5):
    return DepthSnapshot(instrument="XY", ts_event=ts, ts_recv=ts, last_id=1, bids=bids, asks=asks)


def update(bids, asks=(), ts=6):
    return DepthUpdate(
        instrument="XY",
        ts_event=ts,
        ts_recv=ts,
        first_id=2,
        last_id=2,
        prev_id=None,
        bids=list(bids),
        asks=list(asks),
    )


def trade(number):
    return VenueTrade(
        instrument="XY", ts_event=7, ts_recv=7, trade_id=number, aggressor_side=Side.BID, price=3, qty=number
    )


def following():
    live, market, published = FakeLive(), Market([XY], 10), []
    return LiveMarket(market, live, lambda: published.append(market.book("XY").seq)), live, published


def test_snapshots_updates_and_trades_move_the_market_by_what_changed():
    one, _, published = following()
    one.take([snapshot([(1, 5)], [(3, 4)])])
    one.take([update([(1, 5), (2, 7), (2, 8), (9, 0)], [(3, 0), (4, 1)]), trade(1)])
    book = one.market.book("XY")
    assert (book.bids(), book.asks()) == ([(2, 8), (1, 5)], [(4, 1)])
    assert published == [2, 6]  # what was so already is no change
    assert one.market.state("XY").tape.rows[-1][1] == 3
    one.take([Quote(instrument="XY", ts_event=1, ts_recv=1, update_id=1, bid=1, bid_qty=1, ask=2, ask_qty=1)])
    assert book.seq == 6


def test_an_empty_snapshot_empties_the_book_and_the_ticker():
    one, _, _ = following()
    one.take([snapshot([(1, 5)], [(3, 4)])])
    one.take([snapshot([], [])])
    assert (one.market.book("XY").bids(), one.market.state("XY").ticker.row.bid) == ([], None)


def test_lost_trades_begin_a_new_epoch_and_lost_levels_do_not():
    one, live, _ = following()
    one.take([snapshot([(1, 5)], []), trade(1)])
    assert one.market.epoch == 10
    live.trades_lost = 2
    one.take([trade(4)])
    begun = one.market.epoch
    assert begun > 10
    one.take([trade(5), snapshot([(1, 6)], [])])
    assert (one.market.epoch, one.market.state("XY").tape.epoch) == (begun, begun)


def test_each_change_of_a_books_state_is_logged_once(caplog, logger):
    logger.propagate = True
    one, live, _ = following()
    with caplog.at_level(logging.INFO, "rtlab.lab"):
        one.take([snapshot([(1, 5)], [])])
        live.state, live.reason = "stale", "it said nothing"
        one.take([snapshot([], [])])
        one.take([snapshot([], [])])
    told = [(record.levelname, record.rtlab_fields["state"]) for record in caplog.records]
    assert told == [("INFO", "live"), ("WARNING", "stale")]


def test_it_is_whole_when_every_book_was_live():
    one, live, _ = following()
    live.state = "waiting"
    one.take([snapshot([(1, 5)], [])])
    assert not one.is_whole.is_set()
    live.state = "live"
    one.take([snapshot([(1, 5)], [])])
    assert one.is_whole.is_set()


@asynccontextmanager
async def served(name="kraken"):
    async with VenueServer(loopback(name)) as server:
        ended, gateways = asyncio.Event(), []
        settings = Settings(port=0, venue_url=server.url, drain_s=0)
        text = f"{name}:{','.join(NAMES[name])}"
        serving = asyncio.create_task(serve_live(settings, text, on_ready=gateways.append, ended=ended))
        await until(lambda: gateways or serving.done())
        try:
            yield server, gateways[0]
        finally:
            ended.set()
            await serving


async def test_readers_of_a_served_venue_have_its_books_and_see_a_silent_one_empty():
    async with served() as (server, gateway), connect(gateway.url) as client:
        books = {name: client.subscribe("book", name) for name in NAMES["kraken"]}
        tape = client.subscribe("trades", "BTC/USD", depth=50)
        for name, book in books.items():
            await client.ready(book)
            truth = server.venue.books[name]
            await until(lambda book=book, truth=truth: truth.was(book.view.bids(), book.view.asks(), 10))
        await until(lambda: tape.view.rows)
        assert gateway.groups()["venue"].live == 2
        for session in server.venue.sessions:
            session.is_mute = True
        await until(lambda: not any(book.view.bids() or book.view.asks() for book in books.values()), 5)
        assert gateway.groups()["venue"].staled == 2
        for session in server.venue.sessions:
            session.is_mute = False
        await until(lambda: all(book.view.bids() for book in books.values()))


async def test_a_live_venue_is_recorded_through_a_disconnect():
    with room() as here:
        async with VenueServer(loopback("binance")) as server:
            settings = Settings(redis_url=here.url, venue_url=server.url)
            ended, recorders, kept = asyncio.Event(), [], []
            target = target_of(here.folder)
            told = {"on_ready": recorders.append, "ended": ended, "on_raw": kept.append}
            recording = asyncio.create_task(record_live(settings, "binance:BTCUSDT", target, **told))
            await until(lambda: server.venue.sessions)
            await asyncio.sleep(0.5)
            server.venue.sessions[0].close = (1006, "")
            server.venue.books["BTCUSDT"].trade_id += 3  # made while nobody listened
            await until(lambda: server.opened == 2)
            await asyncio.sleep(0.8)
            ended.set()
            done = await recording
        assert done.statistics().rows > 0
        with here.store() as store:
            rows = store.read("trades", "BTCUSDT")
            epochs = rows.column("epoch").to_pylist()
            assert len(set(epochs)) == 2  # what was lost divides them
            gaps = [gap.reason for gap in store.manifest("BTCUSDT").gaps]
            assert gaps == ["start", "a new epoch"]
            first = store.read("book", "BTCUSDT").slice(0, 1).to_pylist()[0]
            assert (first["epoch"], first["seq"]) == (epochs[0], 1)
            raw = store.read("raw", "binance").to_pylist()
            assert store.channels("binance") == ["raw"]
        (keeper,) = kept
        assert keeper.statistics() == (len(raw), sum(len(row["payload"]) for row in raw), 0, 0, 0, 0)
        assert [row["seq"] for row in raw] == list(range(1, len(raw) + 1))
        trades = [one for row in raw for one in trade_ids(row["payload"])]
        assert trades == sorted(set(trades))
        assert len(trades) >= rows.num_rows > 0  # each row has its evidence
        assert {len(row["source"].split("?")[0]) > 10 for row in raw} == {True}
        assert any(b"lastUpdateId" in row["payload"] for row in raw)  # answers by HTTP are there too


def trade_ids(payload):
    told = msgspec.json.decode(payload)
    found = told.get("data", {}) if isinstance(told, dict) else {}
    return [found["t"]] if found.get("e") == "trade" else []


async def test_what_is_wrong_with_a_source_is_told_before_anything_is_served():
    async with VenueServer(loopback("kraken")) as server:
        settings = Settings(venue_url=server.url)
        with pytest.raises(InstrumentError, match="expected BTC/USD"):
            await opened(settings, "kraken:BTCUSD")
    with pytest.raises(ConfigError, match="did you mean kraken"):
        await opened(Settings(), "krakn:BTC/USD")


async def test_a_lab_follows_a_venue_by_its_name():
    async with VenueServer(loopback("coinbase")) as server:

        def look():
            with rtlab.live("coinbase:BTC-USD", venue_url=server.url) as lab:
                return lab.symbols, lab.book("BTC-USD").best, repr(lab.book("BTC-USD"))

        symbols, (bid, ask), shown = await asyncio.to_thread(look)
    assert symbols == ["BTC-USD"]
    assert bid < ask
    assert "bid | ask" in shown
    assert callable(rtlab.live)


def test_pages_take_a_venue_in_place_of_an_address():
    with pytest.raises(ConfigError, match="did you mean kraken"):
        lab_of(Settings(url="krakn:BTC/USD"))
    with pytest.raises(UnreachableError, match="127"):
        lab_of(Settings(url="ws://127.0.0.1:1"))


def test_a_lab_of_no_venue_is_an_error_at_once():
    with pytest.raises(ConfigError, match="as binance:BTCUSDT"):
        rtlab.live("nothing")
