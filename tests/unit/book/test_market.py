from decimal import Decimal

import numpy as np
import pytest

from rtlab.book import INTERVALS_NS, WHOLE, Bars, L2Book, Market, Tape, Ticker, TickerRow
from rtlab.errors import ConfigError, InstrumentError, LocalError
from rtlab.model import EVENT, DepthSnapshot, DepthUpdate, EventKind, Instrument, Side, VenueTrade

SYMBOLS = ("A-USD", "B-USD", "C-USD")
SECOND = INTERVALS_NS["1s"]


def market_of(epoch=3):
    return Market([Instrument(s, Decimal("0.01"), Decimal("0.001")) for s in SYMBOLS], epoch)


def random_events(count, seed):
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, EVENT)
    kinds = [kind for kind in EventKind if kind is not EventKind.TRIGGERED]
    rows["kind"] = rng.choice([*kinds, EventKind.LEVEL, EventKind.LEVEL], count)
    rows["instrument"] = rng.integers(0, len(SYMBOLS), count)
    rows["side"] = rng.integers(0, 2, count)
    rows["price"] = rng.integers(1, 30, count)
    rows["qty"] = rng.integers(0, 4, count) + (rows["kind"] == EventKind.TRADE)
    rows["ts"] = np.sort(rng.integers(0, 5 * SECOND, count))
    rows["seq"] = np.arange(count) + 1
    return rows


def truth_of(rows, index):
    """Books and trades by plain iteration, one row after the other."""
    levels, trades, changes = ({}, {}), [], 0
    for row in rows:
        if row["instrument"] != index:
            continue
        if row["kind"] == EventKind.LEVEL:
            levels[row["side"]][int(row["price"])] = int(row["qty"])
            changes += 1
        elif row["kind"] == EventKind.TRADE:
            trades.append(tuple(int(row[name]) for name in ("ts", "price", "qty", "side")))
    bids, asks = (sorted((p, q) for p, q in side.items() if q) for side in levels)
    return bids[::-1], asks, changes, trades


@pytest.mark.parametrize("batch", [1, 40, 128, 129, 3000])
def test_events_fold_to_the_same_state_whatever_the_batches(batch):
    rows, market = random_events(3000, 1), market_of()
    for symbol in SYMBOLS:
        market.source("bars", symbol, SECOND)
    for start in range(0, len(rows), batch):
        market.apply(rows[start : start + batch])
    for index, symbol in enumerate(SYMBOLS):
        bids, asks, changes, trades = truth_of(rows, index)
        book, tape = market.book(symbol), market.source("trades", symbol)
        assert (book.bids(), book.asks(), book.seq) == (bids, asks, changes)
        assert list(tape.rows) == trades
        row = market.source("ticker", symbol).row
        assert row[1:] == (*bids[0], *asks[0], trades[-1][1], trades[-1][2])
        bars = market.source("bars", symbol, SECOND)
        assert bars.seq == len(trades)
        assert sum(bar.volume for bar in bars.rows(WHOLE)) == sum(trade[2] for trade in trades)


def test_events_without_news_change_nothing():
    market = market_of()
    rows = np.zeros(3, EVENT)
    rows["kind"] = EventKind.ACCEPTED
    market.apply(rows)
    market.apply(rows[:0])
    for symbol in SYMBOLS:
        assert [market.source(c, symbol).seq for c in ("book", "trades", "ticker")] == [0, 0, 0]


def test_the_ticker_sees_the_end_of_a_batch():
    market = market_of()
    rows = np.zeros(3, EVENT)
    rows["kind"], rows["price"], rows["qty"], rows["ts"] = EventKind.LEVEL, [10, 11, 12], 5, [1, 2, 3]
    market.apply(rows)
    ticker = market.source("ticker", "A-USD")
    assert ticker.row == TickerRow(3, bid=12, bid_qty=5)
    assert ticker.seq == 1


def test_an_event_of_an_unknown_instrument_is_an_error_that_names_it():
    rows = np.zeros(1, EVENT)
    rows["kind"], rows["instrument"] = EventKind.LEVEL, 7
    with pytest.raises(InstrumentError, match="unknown here: expected below 3, got 7"):
        market_of().apply(rows)


def test_sources_by_channel_and_symbol():
    market = market_of()
    kinds = [type(market.source(c, "B-USD")) for c in ("book", "trades", "ticker")]
    assert kinds == [L2Book, Tape, Ticker]
    assert market.source("book", "B-USD") is market.book("B-USD")
    bars = market.source("bars", "B-USD", SECOND)
    assert isinstance(bars, Bars)
    assert market.source("bars", "B-USD", SECOND) is bars
    assert {market.source(c, "B-USD").epoch for c in ("book", "trades", "ticker")} == {bars.epoch} == {3}


def test_unknown_names_are_errors_that_say_what_is_known():
    market = market_of()
    with pytest.raises(InstrumentError, match="expected one of A-USD, B-USD, C-USD, got X-USD"):
        market.source("book", "X-USD")
    with pytest.raises(ConfigError, match="expected one of book, trades, ticker, bars, got books"):
        market.source("books", "A-USD")
    with pytest.raises(ConfigError, match="expected one of 100ms, 1s"):
        market.source("bars", "A-USD", 7)
    with pytest.raises(InstrumentError, match="unknown"):
        market.book("X-USD")


def test_two_instruments_of_one_symbol_are_refused():
    instrument = Instrument("A-USD", Decimal(1), Decimal(1))
    with pytest.raises(InstrumentError, match="share a symbol"):
        Market([instrument, instrument], 1)


def test_instruments_are_told_by_symbol():
    market = market_of()
    assert market.symbols == list(SYMBOLS)
    assert market.instruments["B-USD"].lot_size == Decimal("0.001")


def test_bars_asked_for_late_hold_what_the_tape_still_has():
    market, rows = market_of(), random_events(2000, 4)
    market.apply(rows[:1500])
    bars = market.source("bars", "A-USD", SECOND)
    assert bars.seq == market.source("trades", "A-USD").seq > 0
    market.apply(rows[1500:])
    trades = truth_of(rows, 0)[3]
    assert sum(bar.trades for bar in bars.rows(WHOLE)) == len(trades)


def depth(kind, last_id, bids, asks, **fields):
    return kind(
        instrument="A-USD", ts_event=last_id, ts_recv=0, last_id=last_id, bids=bids, asks=asks, **fields
    )


def test_a_venue_fills_the_same_book_and_ticker():
    market = market_of()
    market.apply_depth("A-USD", depth(DepthSnapshot, 10, [(99, 1)], [(101, 1)]))
    update = depth(DepthUpdate, 12, [(99, 0), (98, 4)], [(100, 2)], first_id=11, prev_id=None)
    reached = market.apply_depth("A-USD", update)
    book = market.book("A-USD")
    assert (book.bids(), book.asks()) == ([(98, 4)], [(100, 2), (101, 1)])
    assert [(r.last_id, r.seq) for r in reached] == [(12, book.seq)]
    assert market.source("ticker", "A-USD").row == TickerRow(12, 98, 4, 100, 2, None, 0)


def test_a_venue_trade_reaches_tape_ticker_and_bars():
    market = market_of()
    bars = market.source("bars", "A-USD", SECOND)
    trade = VenueTrade(
        instrument="A-USD", ts_event=5, ts_recv=6, trade_id=1, aggressor_side=Side.ASK, price=100, qty=3
    )
    market.apply_trade(trade)
    assert list(market.source("trades", "A-USD").rows) == [(5, 100, 3, 1)]
    assert market.source("ticker", "A-USD").row.last == 100
    assert bars.rows(1)[0].volume == 3


def test_a_restart_is_another_history_that_begins_with_nothing():
    market = market_of(epoch=5)
    market.source("bars", "A-USD", SECOND)
    market.apply(random_events(400, 1))
    market.restart(6)
    state = market.state("A-USD")
    sources = [market.source(channel, "A-USD", SECOND) for channel in ("book", "trades", "ticker", "bars")]
    assert [(one.epoch, one.seq) for one in sources] == [(6, 0)] * 4
    assert (state.book.bids(), state.book.asks(), list(state.tape.rows)) == ([], [], [])
    assert state.ticker.row == TickerRow()
    with pytest.raises(LocalError, match="above 6"):
        market.restart(6)
