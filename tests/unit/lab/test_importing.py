from itertools import islice

import pytest
from support.recorded import recorded
from support.recordings import book_ticker, depth, lobster_pair, snapshot, trade, write_gzip

from rtlab.book import Market
from rtlab.errors import SourceError
from rtlab.lab.importing import import_recording
from rtlab.lab.recording import played, target_of
from rtlab.sources import Binance, Lobster
from rtlab.sources.recording import lines
from rtlab.store import Store

LINES = [
    snapshot(10, [("100", "1")], [("101", "2")], ts_recv=1),
    book_ticker(10, ("100", "1"), ("101", "2")),
    depth(11, 12, [("100", "3")], [("101", "0"), ("102", "1")], ts_recv=2),
    trade(1, "100", "1", buyer_is_maker=True, ts_recv=3),
    book_ticker(12, ("100", "3"), ("102", "1"), ts_recv=4),
]


def binance(folder, lines=LINES):
    return Binance(write_gzip(folder / "spot_btcusdt_20240808.gz", lines))


def test_a_recording_of_binance_becomes_books_trades_and_quotes(tmp_path):
    done = import_recording(binance(tmp_path), target_of(tmp_path / "s"))
    assert done == ("BTCUSDT", 5, 1, "quotes", 2)
    with Store(tmp_path / "s") as store:
        book = store.book("BTCUSDT", at=(1, 5))
        assert (book.bids, book.asks) == ([(10000, 300_000)], [(10200, 100_000)])
        assert store.read("trades", "BTCUSDT").column("price").to_pylist() == [10000]
        quotes = store.read("quotes", "BTCUSDT", columns=["bid", "ask_qty", "received"]).to_pylist()
        assert [tuple(row.values()) for row in quotes] == [(10000, 200_000, 1000), (10000, 100_000, 4)]
        assert store.channels("BTCUSDT") == ["book", "trades", "levels", "quotes"]


def test_a_second_import_is_an_epoch_of_its_own(tmp_path):
    for _ in range(2):
        import_recording(binance(tmp_path), target_of(tmp_path / "s"))
    with Store(tmp_path / "s") as store:
        assert store.read("book", "BTCUSDT").column("epoch").to_pylist() == [1] * 5 + [2] * 5
        assert store.read("quotes", "BTCUSDT").column("seq").to_pylist() == [1, 2, 3, 4]


def test_what_came_before_a_damaged_record_is_in_the_store_and_the_record_is_named(tmp_path):
    with pytest.raises(SourceError, match="record 6 is not one of Binance"):
        import_recording(binance(tmp_path, [*LINES, b"5 {]"]), target_of(tmp_path / "s"))
    with Store(tmp_path / "s") as store:
        assert store.read("book", "BTCUSDT").num_rows == 5
        assert store.read("quotes", "BTCUSDT").num_rows == 2


def test_a_day_of_lobster_becomes_books_trades_and_its_messages(tmp_path):
    rows = (
        "1.0,5,0,1,1000000,1 | 1010000,50,1000000,30",
        "2.0,1,7,20,1000000,1 | 1010000,50,1000000,50",
        "3.0,4,7,5,1000000,1 | 1010000,50,1000000,45",
    )
    source = Lobster(lobster_pair(tmp_path, rows))
    done = import_recording(source, target_of(tmp_path / "s"))
    assert (done.beside, done.beside_rows) == ("messages", 3)
    with Store(tmp_path / "s") as store:
        told = store.read("messages", done.instrument, columns=["kind", "order_id", "size", "price", "side"])
        assert [tuple(row.values()) for row in told.to_pylist()] == [
            ("hidden", 0, 1, 0, 0),  # its price may lie between two ticks
            ("added", 7, 20, 10000, 0),
            ("executed", 7, 5, 10000, 0),
        ]
        assert store.read("trades", done.instrument).num_rows == done.trades > 0


@pytest.mark.recorded
def test_the_recorded_minutes_of_btc_come_in_as_they_are_played(tmp_path):
    begin = islice(lines(recorded("binance/usdm_btcusdt_20240808.gz")), 4000)
    source = Binance(write_gzip(tmp_path / "usdm_btcusdt_20240808.gz", begin))
    done = import_recording(source, target_of(tmp_path / "s"))
    market = Market(source.instruments, 1)
    for _, bring in played(source, market):
        bring()
    told, state = source.statistics(), market.state(source.instrument.symbol)
    assert (done.book, done.trades, done.beside_rows) == (state.book.seq, told.trades, told.quotes)
    with Store(tmp_path / "s") as store:
        book = store.book(source.instrument.symbol, at=(1, done.book))
        assert (book.bids, book.asks) == (state.book.bids(), state.book.asks())
        last = store.read("quotes", source.instrument.symbol).slice(done.beside_rows - 1).to_pylist()[0]
        assert last["bid"] < last["ask"]
