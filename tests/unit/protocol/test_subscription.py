from zlib import crc32

import pytest

from rtlab.book import WHOLE, Bar, BarsView, BookView, TapeView, TickerView
from rtlab.book.l2 import pack_rows
from rtlab.protocol import (
    Bars,
    Channel,
    Increment,
    Snapshot,
    Subscribed,
    Subscription,
    SubscriptionState,
    Ticker,
    TotalsBefore,
    Trades,
)

BIDS, ASKS = [(100, 1), (99, 2)], [(101, 3)]


def subscription(channel="book", depth=2, **options):
    one = Subscription(1, Channel(channel, "A-USD", depth, **options))
    grant(one)
    return one


def grant(one, key=5):
    ask = one.asked
    one.grant(Subscribed(1, key, ask.name, "A-USD", ask.depth, None, ask.interval, "0.01", "0.001"))


def snapshot(seq=10, epoch=1, bids=BIDS, asks=ASKS, checksum=None, depth=2):
    checksum = crc32(pack_rows(bids, asks)) if checksum is None else checksum
    return Snapshot(5, epoch, seq, depth, bids, asks, checksum)


def increment(first, last, changes, checksum=None, epoch=1, depth=2):
    return Increment(5, epoch, first, last, depth, 0, changes, checksum)


def live():
    one = subscription()
    assert one.take(snapshot()) == "snapshot"
    return one


def test_it_waits_for_a_snapshot_and_then_is_live():
    one = Subscription(1, Channel("book", "A-USD", 2))
    assert (one.state, one.is_live, one.depth) == (SubscriptionState.ASKED, False, 2)
    assert repr(one) == "<book of A-USD: asked>"
    grant(one)
    assert one.state is SubscriptionState.WAITING
    assert one.take(increment(1, 5, [])) == "waiting"
    assert one.take(snapshot()) == "snapshot"
    assert (one.is_live, one.came_back) == (True, "snapshot")
    assert repr(one) == "<book of A-USD: live at 1/10>"
    assert (one.view.bids(), one.view.asks(), one.view.seq) == (BIDS, ASKS, 10)


@pytest.mark.parametrize(
    ("channel", "view"),
    [("book", BookView), ("trades", TapeView), ("ticker", TickerView), ("bars", BarsView)],
)
def test_each_channel_has_its_view(channel, view):
    one = Subscription(1, Channel(channel, "A-USD"))
    assert isinstance(one.view, view)
    assert (one.channel, one.instrument, one.depth) == (channel, "A-USD", WHOLE)


def test_an_increment_that_follows_is_applied_and_checked():
    one = live()
    checksum = crc32(pack_rows([(100, 9), (99, 2)], ASKS))
    assert one.take(increment(11, 12, [(0, 100, 9)], checksum)) == "increment"
    assert one.view.seq == 12


def test_an_increment_that_overlaps_is_applied():
    assert live().take(increment(8, 12, [(0, 100, 9)])) == "increment"


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        (increment(12, 13, []), "lost"),
        (increment(11, 12, [], epoch=2), "lost"),
        (increment(9, 10, []), "known"),
        (increment(1, 99, [], epoch=0), "known"),
        (snapshot(9), "known"),
        (snapshot(10), "known"),
        (snapshot(99, epoch=0), "known"),
        (snapshot(11, checksum=1), "differs"),
        (Ticker(5, 1, 1, 0, None, 0, None, 0, None, 0), "differs"),
    ],
)
def test_what_does_not_follow_leaves_the_view_as_it_was(message, outcome):
    one = live()
    assert one.take(message) == outcome
    assert (one.view.bids(), one.view.asks(), one.view.seq) == (BIDS, ASKS, 10)


def test_a_newer_epochs_snapshot_is_loaded():
    one = live()
    assert one.take(snapshot(1, epoch=2, bids=[(5, 5)])) == "snapshot"
    assert (one.view.epoch, one.view.seq, one.view.bids()) == (2, 1, [(5, 5)])


def test_a_checksum_that_differs_shows():
    one = live()
    assert one.take(increment(11, 11, [(0, 100, 9)], checksum=1)) == "differs"


def test_a_change_of_depth_at_the_same_sequence_is_news():
    one = live()
    assert one.take(increment(11, 10, [], depth=1)) == "increment"
    assert (one.view.bids(), one.view.held) == ([(100, 1)], 1)
    assert one.take(snapshot(10, depth=2)) == "snapshot"


def test_after_a_loss_only_a_snapshot_counts_and_any_will_do():
    one = live()
    one.lose()
    assert (one.state, one.holds_nothing) == (SubscriptionState.WAITING, True)
    assert one.take(increment(11, 12, [])) == "waiting"
    assert one.take(snapshot(4, epoch=0)) == "snapshot"
    assert (one.is_live, one.view.epoch, one.view.seq) == (True, 0, 4)


def test_a_new_connection_resumes_from_where_the_view_stands():
    one = live()
    one.disconnected()
    assert (one.key, one.state) == (None, SubscriptionState.ASKED)
    assert one.channel_to_ask() == Channel("book", "A-USD", 2, resume=(1, 10, 2))
    grant(one, 6)
    assert one.take(increment(11, 12, [(0, 100, 9)])) == "increment"
    assert one.came_back == "resumed"


def test_a_new_connection_that_cannot_resume_brings_a_snapshot_even_an_older_one():
    one = live()
    one.disconnected()
    grant(one, 6)
    assert one.take(snapshot(3)) == "snapshot"
    assert (one.came_back, one.view.seq) == ("snapshot", 3)


def test_what_is_not_relied_on_is_not_resumed():
    one = live()
    one.lose()
    one.disconnected()
    assert one.channel_to_ask().resume is None


def test_a_view_that_stands_where_the_server_thinks_moves_on():
    one = live()
    one.disconnected()
    grant(one, 6)
    assert one.stand_at(1, 10, 15)
    assert (one.view.seq, one.came_back, one.is_live) == (15, "resumed", True)


@pytest.mark.parametrize("head", [(1, 9, 15), (1, 11, 15), (2, 10, 15), (1, 10, 9)])
def test_a_view_that_stands_elsewhere_does_not(head):
    one = live()
    assert not one.stand_at(*head)
    assert one.view.seq == 10


def trades(first, last, before, rows):
    made = [(n, 100, 1, 0) for n in range(rows)]
    return Trades(5, 1, first, last, TotalsBefore(before, before, 0), made)


def live_tape():
    one = subscription("trades", 10)
    assert one.take(trades(6, 10, 5, 5)) == "snapshot"
    return one


def test_trades_follow_overlap_and_drop():
    one = live_tape()
    assert one.take(trades(11, 12, 10, 2)) == "increment"
    assert one.take(trades(11, 14, 10, 4)) == "increment"
    assert (one.view.seq, len(one.view.news)) == (14, 2)
    assert one.take(trades(15, 30, 20, 10)) == "increment"
    assert (one.view.dropped.seq, one.view.totals.seq) == (6, 30)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        (trades(12, 13, 11, 2), "lost"),
        (trades(9, 10, 8, 2), "known"),
        (trades(11, 13, 10, 2), "differs"),  # one row short
        (trades(13, 13, 10, 3), "differs"),  # totals before what it follows
    ],
)
def test_trades_that_do_not_follow_change_nothing(message, outcome):
    one = live_tape()
    assert one.take(message) == outcome
    assert (one.view.seq, one.view.totals.seq) == (10, 10)


def test_a_server_that_is_behind_is_followed_without_giving_a_trade_twice():
    one = live_tape()
    one.disconnected()
    grant(one, 6)
    assert one.take(trades(4, 8, 3, 5)) == "snapshot"
    assert (one.view.seq, one.view.totals.seq, one.view.news) == (8, 10, [])
    assert one.take(trades(9, 12, 8, 4)) == "increment"
    assert (one.view.seq, len(one.view.news)) == (12, 2)


def ticker(seq, bid, epoch=1):
    return Ticker(5, epoch, seq, 7, bid, 1, None, 0, None, 0)


def test_the_newest_ticker_wins():
    one = subscription("ticker", 1)
    assert one.take(ticker(5, 100)) == "snapshot"
    assert one.take(ticker(9, 101)) == "snapshot"
    assert one.take(ticker(8, 99)) == "known"
    assert one.view.row.bid == 101


@pytest.mark.parametrize(("epoch", "how"), [(1, "resumed"), (2, "snapshot")])
def test_a_ticker_comes_back_resumed_within_its_epoch(epoch, how):
    one = subscription("ticker", 1)
    one.take(ticker(5, 100))
    one.disconnected()
    grant(one, 6)
    one.take(ticker(9, 101, epoch))
    assert one.came_back == how


def bars(seq, first, rows, depth=3):
    return Bars(5, 1, seq, first, depth, rows)


def test_bars_are_loaded_then_changed_and_a_gap_shows():
    one = subscription("bars", 3, interval=10)
    old, new = Bar(10, 1, 1, 1, 1, 1, 1), Bar(20, 2, 2, 2, 2, 2, 1)
    assert one.take(bars(2, 0, [tuple(new), tuple(old)])) == "snapshot"
    newer = Bar(20, 2, 5, 2, 5, 9, 2)
    assert one.take(bars(3, 3, [tuple(newer)])) == "increment"
    assert one.view.rows() == [newer, old]
    assert one.take(bars(9, 8, [tuple(new)])) == "lost"
    assert one.take(bars(3, 3, [tuple(new)])) == "known"
