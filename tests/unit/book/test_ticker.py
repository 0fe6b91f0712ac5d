from rtlab.book import Ticker, TickerRow, TickerView


def test_the_sequence_counts_changes_and_not_times():
    ticker = Ticker()
    assert ticker.set(TickerRow(1, bid=10, bid_qty=5))
    assert not ticker.set(TickerRow(2, bid=10, bid_qty=5))
    assert ticker.set(TickerRow(3, bid=10, bid_qty=6))
    assert (ticker.seq, ticker.row.ts_event) == (2, 3)


def test_every_reader_that_lacks_the_newest_row_gets_it_whole():
    ticker = Ticker(epoch=4)
    first = ticker.since(0, 0, 1, 0)
    assert (first.kind, first.epoch, first.last_seq, first.body) == ("snapshot", 4, 0, TickerRow())
    ticker.set(TickerRow(1, ask=11, ask_qty=1))
    assert ticker.since(4, 1, 1, 1) is None
    for point in ((4, 0, 1), (3, 9, 1), (4, 1, 0)):
        epoch, seq, held = point
        assert ticker.since(epoch, seq, 1, held).body == ticker.row


def test_a_view_holds_the_newest_row():
    ticker, view = Ticker(epoch=2), TickerView()
    ticker.set(TickerRow(7, 10, 1, 11, 2, 10, 3))
    view.load(ticker.since(0, 0, 5, 0))
    assert view.row == ticker.row
    assert (view.epoch, view.seq, view.held) == (2, 1, 1)
    ticker.set(TickerRow(8, 10, 1, None, 0, 10, 3))
    view.apply(ticker.since(2, 1, 1, 1))
    assert view.row.ask is None
    assert view.digest(1) == ticker.digest(1)


def test_digests_tell_a_missing_price_from_any_other():
    one, other = Ticker(), Ticker()
    one.set(TickerRow(0, bid=0, bid_qty=1))
    other.set(TickerRow(0, bid=None, bid_qty=1))
    assert one.digest(1) != other.digest(1)


def test_a_restart_forgets_the_row_and_counts_from_0():
    ticker = Ticker(epoch=3)
    ticker.set(TickerRow(1, 100, 5, 101, 4))
    ticker.restart(4)
    assert (ticker.epoch, ticker.seq, ticker.row) == (4, 0, TickerRow())
    assert ticker.set(TickerRow(2, 100, 5, 101, 4))
