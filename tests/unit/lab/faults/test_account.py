import pytest

from rtlab.lab.faults.account import Account, Heads
from rtlab.protocol import (
    Bars,
    Channel,
    Increment,
    Ping,
    Snapshot,
    Subscription,
    Ticker,
    TotalsBefore,
    Trades,
)

KEY = 7


def account(name="book", published=None):
    subscription = Subscription(1, Channel(name, "BTC-USD"))
    subscription.key, subscription.holds_nothing = KEY, False
    return Account(subscription, published)


def snapshot(seq, epoch=1):
    return Snapshot(KEY, epoch, seq, 10, [], [], None)


def increment(first, last, epoch=1):
    return Increment(KEY, epoch, first, last, 10, 0, [], None)


def trades(before, rows, *, first=None, epoch=1, last=None):
    first = before[0] + 1 if first is None else first
    last = before[0] + len(rows) if last is None else last
    return Trades(KEY, epoch, first, last, TotalsBefore(*before), rows)


def closed(account, seq, epoch=1):
    account.subscription.view.epoch, account.subscription.view.seq = epoch, seq
    return account.close()


def test_each_head_is_applied_merged_replaced_or_unsaid_and_they_add_up():
    book = account(published=[10, 12, 15, 20, 30, 31, 40])
    book.apply(snapshot(10))
    book.apply(increment(11, 12))  # one head
    book.apply(increment(13, 20))  # 15 lies inside
    book.ping(Ping(1, 0, {KEY: (1, 20, 30)}))  # nothing within the depth
    book.apply(snapshot(40))  # 31 is not needed any more
    assert closed(book, 40) == Heads(heads=6, applied=3, merged=1, replaced=1, unsaid=1)
    assert book.adds_up


def test_where_heads_are_not_known_every_change_counts():
    book = account()
    book.apply(snapshot(10))
    book.apply(increment(11, 15))
    assert closed(book, 15) == Heads(heads=5, applied=1, merged=4)
    assert book.adds_up


def test_a_hole_between_two_increments_is_silent_loss():
    book = account()
    book.apply(snapshot(10))
    book.apply(increment(11, 12))
    book.apply(increment(16, 18))
    assert closed(book, 18).silent == 3
    assert not book.adds_up


def test_overlapping_increments_are_no_hole():
    book = account()
    book.apply(snapshot(10))
    book.apply(increment(11, 14))
    book.apply(increment(12, 16))
    assert closed(book, 16) == Heads(heads=6, applied=2, merged=4)


@pytest.mark.parametrize(("epoch", "seq"), [(1, 12), (1, 9), (2, 10)])
def test_a_view_that_stands_where_nothing_brought_it_is_silent_loss(epoch, seq):
    book = account()
    book.apply(snapshot(10))
    assert closed(book, seq, epoch).silent > 0
    assert not book.adds_up


def test_a_ping_moves_only_a_reader_that_stands_where_it_was_sent():
    book = account()
    book.apply(snapshot(10))
    for head in ((1, 9, 20), (2, 10, 20)):
        book.ping(Ping(1, 0, {KEY: head}))
    book.ping(Ping(1, 0, {KEY + 1: (1, 10, 20)}))
    assert book.sums == Heads()
    book.subscription.holds_nothing = True
    book.ping(Ping(1, 0, {KEY: (1, 10, 20)}))
    assert book.sums == Heads()


def test_a_new_epoch_closes_the_account_of_the_one_before():
    book = account()
    book.apply(snapshot(10))
    book.apply(increment(11, 13))
    book.apply(snapshot(2, epoch=2))
    book.apply(increment(3, 3, epoch=2))
    assert closed(book, 3, 2) == Heads(heads=4, applied=2, merged=2, epochs=1)
    assert book.adds_up


def test_of_a_ticker_each_row_replaces_what_was_between_and_bars_follow_each_other():
    ticker = account("ticker")
    for seq in (5, 6, 9):
        ticker.apply(Ticker(KEY, 1, seq, 0, 1, 1, 2, 1, None, 0))
    assert closed(ticker, 9) == Heads(heads=4, applied=2, replaced=2)
    bars = account("bars")
    bars.apply(Bars(KEY, 1, 5, 0, 10, []))
    bars.apply(Bars(KEY, 1, 8, 6, 10, []))
    assert closed(bars, 8) == Heads(heads=3, applied=1, merged=2)


def test_of_trades_the_rows_and_the_lots_of_each_side_add_up():
    tape = account("trades")
    tape.apply(trades((3, 30, 40), [(0, 100, 5, 0), (0, 100, 2, 1)]))
    tape.apply(trades((9, 50, 70), [(0, 100, 1, 0)], first=6))
    assert closed(tape, 10) == Heads(heads=7, applied=3, dropped=4)
    assert tape.adds_up
    assert (tuple(tape.given), tuple(tape.dropped)) == ((3, 6, 2), (4, 15, 28))
    assert tuple(tape.totals) == (10, 51, 70)


def test_rows_that_are_fewer_than_their_numbers_are_silent_loss():
    tape = account("trades")
    tape.apply(trades((0, 0, 0), [(0, 100, 5, 0)]))
    tape.apply(trades((1, 5, 0), [(0, 100, 5, 0)], last=4))
    assert closed(tape, 4).silent == 2
    assert not tape.adds_up


def test_totals_that_go_back_do_not_add_up():
    tape = account("trades")
    tape.apply(trades((5, 9, 9), [(0, 100, 5, 0)]))
    tape.apply(trades((2, 3, 3), [(0, 100, 5, 0)]))
    closed(tape, 3)
    assert not tape.adds_up


def test_sums_of_two_accounts_are_added():
    assert Heads(1, 2, 3, 4, 5, 6, 7, 8).plus(Heads(1, 1, 1, 1, 1, 1, 1, 1)) == Heads(2, 3, 4, 5, 6, 7, 8, 9)
