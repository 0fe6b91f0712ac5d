import random
from zlib import crc32

import pytest

from rtlab.book.l2 import pack_rows
from rtlab.errors import ConfigError, ProtocolError
from rtlab.protocol import (
    Authenticate,
    Batch,
    Channel,
    Codec,
    Error,
    Increment,
    Ping,
    Pong,
    Reader,
    Resync,
    Snapshot,
    Status,
    Subscribe,
    Subscribed,
    SubscriptionState,
    TotalsBefore,
    Trades,
    Unsubscribe,
    Welcome,
)

SECOND = 1_000_000_000
BIDS, ASKS = [(100, 1), (99, 2)], [(101, 3)]


class Server:
    """A reader, and a server that says what it is told to."""

    def __init__(self, encoding="msgpack"):
        self.codec = Codec(encoding)
        self.reader, self.now = Reader(self.codec), 10 * SECOND

    def say(self, *messages):
        message = messages[0] if len(messages) == 1 else Batch(list(messages))
        return self.reader.receive(self.codec.encode(message), self.now)

    def hear(self, seconds=0.0):
        self.now += round(seconds * SECOND)
        return [self.codec.decode_client(payload) for payload in self.reader.payloads_to_send(self.now)]

    def connect(self):
        self.reader.connected(self.now)
        return self.hear()

    def break_off(self):
        self.reader.disconnected(self.now)


def granted(wish, key, channel="book", depth=2):
    return Subscribed(wish, key, channel, "A-USD", depth, None, 0, "0.01", "0.001")


def snapshot(key, seq=10, epoch=1, bids=BIDS, asks=ASKS, depth=2):
    return Snapshot(key, epoch, seq, depth, bids, asks, crc32(pack_rows(bids, asks)))


def increment(key, first, last, changes=(), checksum=None):
    return Increment(key, 1, first, last, 2, 0, list(changes), checksum)


def live(encoding="msgpack"):
    server = Server(encoding)
    book = server.reader.subscribe("book", "A-USD", depth=2)
    server.connect()
    server.say(granted(book.wish, 5), snapshot(5))
    assert book.is_live
    return server, book


@pytest.fixture(params=["msgpack", "json"])
def encoding(request):
    return request.param


def test_wishes_are_sent_when_connected_or_at_once():
    server = Server()
    server.reader.subscribe("book", "A-USD", depth=2, max_rate=5.0)
    assert server.hear() == []
    assert server.connect() == [Subscribe(1, [Channel("book", "A-USD", 2, 0, 5.0)])]
    server.reader.subscribe("bars", "A-USD", interval_ns=SECOND)
    assert server.hear() == [Subscribe(2, [Channel("bars", "A-USD", None, SECOND)])]


def test_a_snapshot_and_an_increment_fill_the_view(encoding):
    server, book = live(encoding)
    (applied,) = server.say(increment(5, 11, 12, [(0, 100, 7)]))
    assert (applied.subscription, applied.how, applied.message.last_seq) == (book, "increment", 12)
    assert book.view.bids() == [(100, 7), (99, 2)]
    statistics = server.reader.statistics()
    assert (statistics.snapshots, statistics.increments, statistics.gaps) == (1, 1, 0)
    assert book.granted.tick_size == "0.01"


def test_everything_a_message_may_be_is_told():
    server = Server()
    server.connect()
    welcome, status = Welcome(1, 2, 1.0, {}), Status("LAGGING", 3, 4, 5.5)
    told = server.say(welcome, status, Ping(1, 0, {}), Error(4004, "no"))
    assert [one.how for one in told] == ["welcome", "status", "ping", "error"]
    assert (server.reader.welcome, server.reader.status) == (welcome, status)
    statistics = server.reader.statistics()
    assert (statistics.merged, statistics.dropped, statistics.lag_ms) == (3, 4, 5.5)


def test_a_gap_asks_for_a_resync_and_takes_nothing_until_the_snapshot():
    server, book = live()
    assert [one.how for one in server.say(increment(5, 13, 14, [(0, 100, 7)]))] == ["resync"]
    assert server.hear() == [Resync(5)]
    assert server.say(increment(5, 15, 16)) == []
    assert not book.is_live
    assert book.view.bids() == BIDS
    assert [one.how for one in server.say(snapshot(5, 20, bids=[(98, 1)]))] == ["snapshot"]
    assert (book.is_live, book.view.bids()) == (True, [(98, 1)])
    statistics = server.reader.statistics()
    assert (statistics.gaps, statistics.resyncs, statistics.ignored) == (1, 1, 1)


def test_resyncs_come_at_most_once_a_second():
    server, _ = live()
    server.say(increment(5, 13, 14))
    assert server.hear() == [Resync(5)]
    server.say(snapshot(5, 20))
    server.say(increment(5, 30, 31))
    assert server.hear(0.5) == []
    assert server.hear(0.5) == [Resync(5)]


def test_a_refused_resync_is_asked_again_when_the_server_says():
    server, _ = live()
    server.say(increment(5, 13, 14))
    server.hear()
    server.say(Error(4029, "too often", 0.7, None, 0, 5))
    assert server.hear(0.6) == []
    assert server.hear(0.2) == [Resync(5)]


def test_a_wrong_checksum_resyncs_that_book_only():
    server, book = live()
    other = server.reader.subscribe("book", "B-USD", depth=2)
    server.say(granted(other.wish, 6), snapshot(6))
    server.say(increment(5, 11, 12, [(0, 100, 7)], checksum=1))
    assert [m for m in server.hear() if isinstance(m, Resync)] == [Resync(5)]
    assert (book.is_live, other.is_live) == (False, True)
    assert server.reader.statistics().checksum_failures == 1


def test_what_says_nothing_new_is_counted_and_not_told():
    server, _ = live()
    assert server.say(increment(5, 9, 10)) == []
    assert server.say(snapshot(5, 9)) == []
    assert server.reader.statistics().duplicates == 2


def test_messages_of_unknown_keys_are_passed_over():
    server, book = live()
    assert server.say(snapshot(77, 99, bids=[])) == []
    assert book.view.bids() == BIDS
    assert server.reader.statistics().ignored == 1


def test_a_ping_is_answered_by_what_was_applied_before_it(encoding):
    server, _ = live(encoding)
    server.say(increment(5, 11, 12, [(0, 100, 7)]), Ping(9, 0, {5: (1, 12, 12)}))
    assert server.hear() == [Pong(9, {5: (1, 12)})]


def test_silence_is_told_from_loss_by_the_heads():
    server, book = live()
    server.say(Ping(1, 0, {5: (1, 10, 25)}))
    assert server.hear() == [Pong(1, {5: (1, 25)})]
    assert book.is_live
    server.say(Ping(2, 0, {5: (1, 30, 30)}))
    assert server.hear() == [Pong(2, {}), Resync(5)]
    assert server.reader.statistics().gaps == 1


def test_a_snapshot_that_never_came_is_asked_for_again():
    server, _ = live()
    server.say(Ping(1, 0, {5: (1, 30, 30)}))
    server.hear()
    for nonce in range(2, 6):
        server.say(Ping(nonce, 0, {5: (1, 30, 30)}))
        assert server.hear(1) == [Pong(nonce, {})]
    server.hear(1)
    server.say(Ping(9, 0, {5: (1, 30, 30)}))
    assert server.hear() == [Pong(9, {}), Resync(5)]


def test_heads_of_unknown_keys_are_passed_over():
    server, _ = live()
    server.say(Ping(1, 0, {5: (1, 10, 10), 99: (1, 5, 5)}))
    assert server.hear() == [Pong(1, {5: (1, 10)})]


def test_a_reconnect_resumes_and_says_so():
    server, book = live()
    server.break_off()
    assert server.hear() == []
    assert book.view.bids() == BIDS
    assert server.connect() == [Subscribe(1, [Channel("book", "A-USD", 2, resume=(1, 10, 2))])]
    server.say(granted(1, 9), increment(9, 11, 12, [(0, 100, 7)]))
    assert (book.is_live, book.came_back) == (True, "resumed")
    statistics = server.reader.statistics()
    assert (statistics.resumed, statistics.connections) == (1, 2)


def test_a_reconnect_at_rest_is_confirmed_by_a_ping():
    server, book = live()
    server.break_off()
    server.connect()
    server.say(granted(1, 9))
    assert not book.is_live
    server.say(Ping(1, 0, {9: (1, 10, 10)}))
    assert (book.is_live, book.came_back) == (True, "resumed")
    assert server.reader.statistics().resumed == 1


def test_a_reconnect_to_another_history_brings_a_snapshot_and_says_so():
    server, book = live()
    server.break_off()
    server.connect()
    server.say(granted(1, 9), snapshot(9, 2, epoch=7))
    assert (book.came_back, book.view.epoch) == ("snapshot", 7)
    assert server.reader.statistics().resumed == 0


def test_a_view_in_doubt_is_not_resumed():
    server, _ = live()
    server.say(increment(5, 13, 14))
    server.break_off()
    assert server.connect() == [Subscribe(1, [Channel("book", "A-USD", 2)])]


def test_an_ended_subscription_is_told_to_the_server_and_keeps_its_view():
    server, book = live()
    server.reader.unsubscribe(book)
    assert server.hear() == [Unsubscribe(5)]
    assert server.say(snapshot(5, 99, bids=[])) == []
    assert (book.state, book.view.bids()) == (SubscriptionState.ENDED, BIDS)
    server.break_off()
    assert server.connect() == []
    server.reader.unsubscribe(book)


def test_a_subscription_that_ends_before_it_is_granted_is_given_back():
    server = Server()
    book = server.reader.subscribe("book", "A-USD")
    server.connect()
    server.reader.unsubscribe(book)
    server.say(granted(book.wish, 5))
    assert server.hear() == [Unsubscribe(5)]
    assert book.state is SubscriptionState.ENDED


def test_of_two_grants_of_one_wish_the_last_counts():
    server = Server()
    book = server.reader.subscribe("book", "A-USD", depth=2)
    server.connect()
    server.say(granted(book.wish, 5), granted(book.wish, 6))
    assert server.say(snapshot(5)) == []
    server.say(snapshot(6))
    assert (book.key, book.is_live) == (6, True)


def test_a_refused_wish_is_not_asked_again():
    server = Server()
    book = server.reader.subscribe("book", "X-USD")
    server.connect()
    (told,) = server.say(Error(4004, "the client's instrument is unknown", None, book.wish))
    assert told.subscription is book
    assert (book.state, book.error) == (SubscriptionState.REFUSED, "the client's instrument is unknown")
    server.break_off()
    assert server.connect() == []


def test_an_unknown_channel_is_the_callers_fault():
    with pytest.raises(ConfigError, match="expected one of book, trades, ticker, bars, got books"):
        Reader(Codec()).subscribe("books", "A-USD")


def rows(first, last):
    return [(n, 100, 1, 0) for n in range(first, last + 1)]


def trades(key, first, last, before=None):
    start = first - 1 if before is None else before
    return Trades(key, 1, first, last, TotalsBefore(start, start, 0), rows(start + 1, last))


def test_trades_are_told_once_even_when_messages_overlap():
    server = Server()
    tape = server.reader.subscribe("trades", "A-USD")
    server.connect()
    server.say(granted(1, 5, "trades"))
    told = server.say(trades(5, 1, 5), trades(5, 4, 8), trades(5, 9, 20, before=15))
    assert [one.message.trades for one in told] == [rows(1, 5), rows(6, 8), rows(16, 20)]
    assert [one.message.before.seq for one in told] == [0, 5, 15]
    assert tape.view.dropped.seq == 7


def test_foreign_bytes_are_refused_and_the_views_keep_what_was_good(encoding):
    server, book = live(encoding)
    rnd = random.Random(5)
    sample = server.codec.encode(Status("LIVE", 0, 0, 0.0))
    refused = 0
    for _ in range(3000):
        payload = (
            rnd.randbytes(rnd.randrange(50)) if rnd.random() < 0.5 else sample[: rnd.randrange(len(sample))]
        )
        try:
            server.reader.receive(payload, server.now)
        except ProtocolError as wrong:
            refused += wrong.code == 4002
    assert refused > 2900
    assert (book.is_live, book.view.bids(), book.view.asks()) == (True, BIDS, ASKS)


def test_mutated_messages_raise_nothing_but_protocol_errors(encoding):
    rnd, codec = random.Random(6), Codec(encoding)
    server, book = live(encoding)
    samples = [
        codec.encode(m)
        for m in (
            granted(1, 5),
            snapshot(5, 30),
            increment(5, 11, 12, [(0, 100, 7), (1, 101, 0)], 77),
            trades(5, 1, 3),
            Ping(1, 0, {5: (1, 10, 12)}),
            Error(4029, "x", 0.5, 1, 0, 5),
            Batch([increment(5, 11, 12), Status("LIVE", 1, 2, 3.0)]),
        )
    ]
    for _ in range(10_000):
        payload = bytearray(rnd.choice(samples))
        for _ in range(rnd.choice((0, 1, 1, 2, 4))):
            payload[rnd.randrange(len(payload))] = rnd.randrange(256)
        server.now += rnd.choice((0, SECOND // 10))
        try:
            server.reader.receive(bytes(payload), server.now)
        except ProtocolError:
            server.break_off()
            server.connect()
        server.hear()
    assert book.view.digest(2) is not None
    server.break_off()
    server.connect()
    server.say(granted(1, 3))
    server.say(snapshot(3, 2**60, epoch=2**60))
    assert (book.is_live, book.view.bids()) == (book.state is not SubscriptionState.REFUSED, BIDS)


def test_how_a_reader_was_treated_is_forgotten_with_the_connection_and_the_counts_add_up():
    server = Server()
    server.connect()
    server.say(Status("LAGGING", 5, 6, 12.5))
    server.break_off()
    assert server.reader.status is None
    assert server.reader.statistics().lag_ms == 0.0
    server.connect()
    server.say(Status("LIVE", 1, 2, 3.0))
    statistics = server.reader.statistics()
    assert (statistics.merged, statistics.dropped, statistics.lag_ms) == (6, 8, 3.0)
    server.break_off()
    server.break_off()
    assert server.reader.statistics().merged == 6


def test_a_newer_token_is_shown_on_a_connection_and_kept_back_without_one():
    server = Server()
    server.reader.authenticate("early")
    assert server.connect() == []
    server.reader.authenticate("newer")
    assert server.hear() == [Authenticate("newer")]


def test_a_subscription_that_is_forbidden_later_ends_and_is_not_asked_for_again():
    server = Server()
    server.connect()
    wish = server.reader.subscribe("book", "A-USD", depth=2)
    server.hear()
    server.say(granted(wish.wish, 7), snapshot(7))
    server.say(Error(4003, "the token does not allow it", key=7))
    assert (wish.state, wish.error) == (SubscriptionState.REFUSED, "the token does not allow it")
    assert server.say(increment(7, 11, 11)) == []  # of a key that is known no more
    assert server.hear() == []
    server.break_off()
    assert server.connect() == []


def test_how_often_the_server_degraded_this_reader_is_counted():
    server = Server()
    for state in ("LIVE", "LAGGING", "LAGGING", "DEGRADED", "LIVE", "LAGGING"):
        server.say(Status(state, 0, 0, 0.0))
    statistics = server.reader.statistics()
    assert (statistics.lagged, statistics.degraded) == (2, 1)
