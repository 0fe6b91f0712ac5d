import random
import re
from decimal import Decimal

import msgspec
import pytest

from rtlab.book import INTERVALS_NS, WHOLE, Market
from rtlab.errors import ProtocolError
from rtlab.model import Instrument
from rtlab.protocol import (
    Authenticate,
    Batch,
    Channel,
    Codec,
    Error,
    Grant,
    Limits,
    PayloadCache,
    Ping,
    Pong,
    Resync,
    Snapshot,
    State,
    Subscribe,
    Subscribed,
    Subscriber,
    Unsubscribe,
    Welcome,
)

MS = 1_000_000
SECOND = 1000 * MS


def market_of():
    symbols = ("A-USD", "B-USD")
    return Market([Instrument(s, Decimal("0.01"), Decimal("0.001")) for s in symbols], 3)


class Line:
    """A subscriber, and a client that says what it is told to."""

    def __init__(self, market=None, encoding="msgpack", cache=None, door=None, **limits):
        self.market, self.codec, self.now = market or market_of(), Codec(encoding), SECOND
        self.subscriber = Subscriber(
            self.market,
            codec=self.codec,
            cache=cache or PayloadCache(),
            limits=Limits(**limits),
            now=self.now,
            **(door or {}),
        )

    def hear(self, ms=0):
        self.now += ms * MS
        messages = []
        for payload in self.subscriber.payloads_to_send(self.now):
            message = self.codec.decode_server(payload)
            messages += message.messages if isinstance(message, Batch) else [message]
        return messages

    def say(self, message):
        self.subscriber.receive(self.codec.encode(message), self.now)

    def ask(self, *channels, wish=1):
        self.say(Subscribe(wish, list(channels)))
        return [m for m in self.hear() if isinstance(m, Subscribed | Error)]

    def live(self):
        ping = self.hear()[-1]
        self.say(Pong(ping.nonce, {key: (e, exact) for key, (e, _, exact) in ping.heads.items()}))
        assert self.subscriber.state is State.LIVE
        return self


@pytest.fixture(params=["msgpack", "json"])
def line(request):
    return Line(encoding=request.param).live()


def test_welcome_is_the_first_message_and_a_ping_follows():
    welcome, ping = Line(evict_after_s=4).hear()
    assert isinstance(welcome, Welcome)
    assert (welcome.version, welcome.server_time, welcome.heartbeat_s) == (1, SECOND, 1.0)
    assert welcome.limits["evict_after_s"] == 4
    assert welcome.instruments == [("A-USD", "0.01", "0.001"), ("B-USD", "0.01", "0.001")]
    assert isinstance(ping, Ping)


def test_a_subscription_is_granted_with_its_grid_and_then_the_state_comes(line):
    line.market.book("A-USD").change(0, 100, 5, 0)
    line.say(Subscribe(7, [Channel("book", "A-USD", 10, max_rate=50.0)]))
    messages = line.hear()
    granted = next(m for m in messages if isinstance(m, Subscribed))
    assert (granted.id, granted.channel, granted.instrument, granted.index) == (7, "book", "A-USD", 0)
    assert (granted.depth, granted.max_rate, granted.interval) == (10, 50.0, 0)
    assert (granted.tick_size, granted.lot_size) == ("0.01", "0.001")
    state = messages[-1]
    assert isinstance(state, Snapshot)
    assert (state.key, state.bids) == (granted.key, [(100, 5)])
    assert messages.index(granted) < messages.index(state)


def test_several_channels_are_granted_each_with_its_index(line):
    interval = INTERVALS_NS["1s"]
    answers = line.ask(
        Channel("book", "A-USD"), Channel("books", "A-USD"), Channel("bars", "B-USD", interval=interval)
    )
    assert sorted((type(a).__name__, a.index) for a in answers) == [
        ("Error", 1),
        ("Subscribed", 0),
        ("Subscribed", 2),
    ]
    assert {a.id for a in answers} == {1}


@pytest.mark.parametrize(
    ("channel", "code", "why"),
    [
        (Channel("books", "A-USD"), 4004, "expected one of book, trades, ticker, bars, got 'books'"),
        (Channel("book", "X-USD"), 4004, "expected one of A-USD, B-USD, got 'X-USD'"),
        (Channel("book", "A-USD", 0), 4002, "depth .* expected 1 or more, or none for all, got '0'"),
        (Channel("book", "A-USD", -5), 4002, "depth"),
        (Channel("book", "A-USD", WHOLE + 1), 4002, "depth"),
        (Channel("book", "A-USD", interval=5), 4002, "interval .* expected none for book, got '5'"),
        (Channel("bars", "A-USD"), 4002, "interval .* expected one above 0 for bars"),
        (Channel("bars", "A-USD", interval=5), 4004, "expected one of 100ms, 1s"),
        (Channel("book", "A-USD", max_rate=0.0), 4002, "max_rate"),
        (Channel("book", "A-USD", max_rate=-1.0), 4002, "max_rate"),
        (Channel("book", "A-USD", max_rate=1e-300), 4002, "max_rate"),
        (Channel("x" * 10_000, "A-USD"), 4004, "got 'xxx"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_answered_by_one_clear_line(line, channel, code, why):
    (error,) = line.ask(channel, wish=9)
    assert isinstance(error, Error)
    assert (error.code, error.id, error.index) == (code, 9, 0)
    assert re.search(why, error.message)
    assert error.message.startswith("the client's")
    assert "\n" not in error.message
    assert len(error.message) < 300
    assert line.ask(Channel("book", "A-USD"))[0].key > 0  # and the connection goes on


@pytest.mark.parametrize("rate", [float("inf"), float("nan")])
def test_a_rate_that_is_no_number_is_refused(rate):
    (error,) = Line().live().ask(Channel("book", "A-USD", max_rate=rate))
    assert "max_rate" in error.message


def test_a_wrong_field_is_answered_and_the_connection_goes_on():
    line = Line(encoding="json").live()
    line.subscriber.receive(b'{"type":"Resync","key":"x"}', line.now)
    (error,) = [m for m in line.hear() if isinstance(m, Error)]
    assert error.code == 4002
    assert "Resync has a wrong field: Expected `int`, got `str`" in error.message
    assert error.id is None


@pytest.mark.parametrize("wish", [7, -1, "x", 1 << 63, True, None])
@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_subscribe_with_a_wrong_field_is_refused_with_its_id_so_that_nobody_waits_for_an_answer(
    encoding, wish
):
    line = Line(encoding=encoding).live()
    channel = {"name": "book", "instrument": "A-USD", "depth": "10"}
    if encoding == "json":
        payload = msgspec.json.encode({"type": "Subscribe", "id": wish, "channels": [channel]})
    else:
        payload = msgspec.msgpack.encode([1, wish, [list(channel.values())]])
    line.subscriber.receive(payload, line.now)
    (error,) = [m for m in line.hear() if isinstance(m, Error)]
    assert (error.code, error.index) == (4002, 0)
    assert error.id == (wish if wish in (7, -1) and wish is not True else None)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"hello", b"{}", b"[1,2]", "text", b"\x90"])
def test_what_is_no_message_ends_the_connection(line, payload):
    with pytest.raises(ProtocolError, match="the client's payload is no message") as wrong:
        line.subscriber.receive(payload, line.now)
    assert wrong.value.code == 4002


def test_keys_are_alike_on_all_connections_and_never_twice_on_one():
    market, cache, wish = market_of(), PayloadCache(), Channel("book", "A-USD", 5)
    one, other = (Line(market, cache=cache).live() for _ in range(2))
    (first,), (second,) = one.ask(wish), other.ask(wish)
    assert first.key == second.key
    keys = {first.key}
    for _ in range(5):
        one.say(Unsubscribe(max(keys)))
        (granted,) = one.ask(wish)
        assert granted.key not in keys
        keys.add(granted.key)
    (again,) = one.ask(wish)  # beside a live one
    assert again.key not in keys
    assert max(keys) < 2**53  # exact in JavaScript


def test_readers_at_the_same_point_are_sent_the_same_object():
    market, cache = market_of(), PayloadCache()
    lines = [Line(market, cache=cache).live() for _ in range(3)]
    for line in lines:
        line.ask(Channel("book", "A-USD", 5), Channel("trades", "A-USD"))
    market.book("A-USD").change(0, 100, 5, 0)
    market.source("trades", "A-USD").extend([(1, 100, 5, 0)])
    sent = [line.subscriber.payloads_to_send(line.now) for line in lines]
    assert len({id(payloads[0]) for payloads in sent}) == 1
    assert len(Codec().decode_server(sent[0][0]).messages) == 2


def test_an_unsubscribed_key_is_silent_and_unknown_from_then_on(line):
    (granted,) = line.ask(Channel("book", "A-USD", 5))
    line.say(Unsubscribe(granted.key))
    line.market.book("A-USD").change(0, 100, 5, 0)
    assert line.hear() == []
    for message in (Unsubscribe(granted.key), Resync(granted.key)):
        line.say(message)
        (error,) = line.hear()
        assert (error.code, error.key) == (4004, granted.key)


def test_a_resume_point_brings_only_what_was_missed(line):
    book = line.market.book("A-USD")
    for n in range(10):
        book.change(0, 100 - n, 5, 0)
    line.say(Subscribe(1, [Channel("book", "A-USD", 5, resume=(3, 10, 5))]))
    assert not any(isinstance(m, Snapshot) for m in line.hear())
    book.change(0, 100, 6, 0)
    (increment,) = line.hear()
    assert (increment.first_seq, increment.last_seq, increment.changes) == (11, 11, [(0, 100, 6)])


def test_a_resync_brings_a_snapshot_and_a_second_one_too_soon_an_error(line):
    (granted,) = line.ask(Channel("book", "A-USD", 5))
    line.say(Resync(granted.key))
    assert isinstance(line.hear()[0], Snapshot)
    line.hear(400)
    line.say(Resync(granted.key))
    (error,) = [m for m in line.hear() if isinstance(m, Error)]
    assert (error.code, error.key, round(error.retry_after_s, 3)) == (4029, granted.key, 0.6)
    line.hear(600)
    line.say(Resync(granted.key))
    assert any(isinstance(m, Snapshot) for m in line.hear())
    assert line.subscriber.statistics().resyncs == 2


def test_subscriptions_are_limited():
    line = Line(subscriptions=2).live()
    answers = line.ask(*[Channel("book", "A-USD", depth) for depth in (1, 2, 3)])
    errors = [a for a in answers if isinstance(a, Error)]
    assert [(e.code, e.index) for e in errors] == [(4009, 2)]


def test_a_client_that_only_asks_is_cut_off():
    line = Line(replies=10).live()
    for _ in range(9):  # and a Status
        line.say(Resync(1))
    with pytest.raises(ProtocolError) as wrong:
        line.say(Resync(1))
    assert wrong.value.code == 4029


def test_a_claim_beyond_what_was_sent_ends_the_connection(line):
    (granted,) = line.ask(Channel("book", "A-USD", 5))
    with pytest.raises(ProtocolError) as wrong:
        line.say(Pong(1, {granted.key: (3, 99)}))
    assert wrong.value.code == 4002


def test_after_a_resync_an_old_claim_is_still_true(line):
    (granted,) = line.ask(Channel("book", "A-USD", 5))
    line.market.book("A-USD").change(0, 100, 5, 0)
    line.hear()
    line.say(Resync(granted.key))
    line.say(Pong(1, {granted.key: (3, 1)}))
    assert any(isinstance(m, Snapshot) for m in line.hear())


def test_a_reader_that_does_not_answer_is_closed_with_a_hint():
    line = Line(evict_after_s=2, retry_after_s=3)
    assert line.subscriber.closing is None
    line.hear()
    assert line.hear(2001) == []
    code, why = line.subscriber.closing
    assert code == 4008
    assert "retry in 3 s" in why
    assert line.subscriber.statistics().state is State.EVICTED


def test_a_paused_transport_is_written_nothing(line):
    line.ask(Channel("book", "A-USD", 5))
    line.subscriber.pause(line.now)
    line.market.book("A-USD").change(0, 100, 5, 0)
    assert line.hear(100) == []
    line.subscriber.resume(line.now)
    assert line.hear(1) != []


def test_statistics_say_how_a_connection_fares(line):
    line.ask(Channel("book", "A-USD", 5), Channel("nonsense", "A-USD"))
    statistics = line.subscriber.statistics()
    assert (statistics.state, statistics.subscriptions, statistics.refused) == (State.LIVE, 1, 1)
    assert statistics.messages > 3
    assert statistics.sent_bytes > 100
    assert (statistics.merged, statistics.dropped, statistics.resyncs) == (0, 0, 0)
    assert statistics.window == 2 * Limits().window_floor


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_random_bytes_only_end_the_connection(encoding):
    rnd, codec = random.Random(3), Codec(encoding)
    samples = [
        codec.encode(m)
        for m in (
            Subscribe(1, [Channel("book", "A-USD", 5, resume=(3, 0, 5))]),
            Pong(1, {1: (3, 0)}),
            Resync(1),
            Unsubscribe(1),
        )
    ]
    line, ended = Line(encoding=encoding, resync_every_s=0), 0
    for _ in range(5000):
        payload = bytearray(rnd.choice(samples))
        for _ in range(rnd.choice((0, 1, 1, 3))):
            payload[rnd.randrange(len(payload))] = rnd.randrange(256)
        if rnd.random() < 0.1:
            payload = rnd.randbytes(rnd.randrange(30))
        line.market.book("A-USD").change(0, rnd.randrange(50), rnd.randrange(3), 0)
        try:
            line.subscriber.receive(bytes(payload), line.now)
            line.hear(rnd.choice((0, 1, 50)))
        except ProtocolError as wrong:
            ended += wrong.code in (4002, 4029)
            line = Line(line.market, encoding=encoding, resync_every_s=0)
        if line.subscriber.closing:
            line = Line(line.market, encoding=encoding, resync_every_s=0)
    assert ended > 500


TOKENS = {
    "all": Grant.of(["*"], who="ann"),
    "books": Grant.of(["book"], who="ann"),
    "one": Grant.of(["book/B-USD"], who="ann", subscriptions=1),
}


def authority(token, now):
    if token not in TOKENS:
        raise ProtocolError("the client's token is not valid", code=4001)
    return TOKENS[token]


@pytest.fixture(params=["msgpack", "json"])
def stranger(request):
    return Line(encoding=request.param, door={"grant": None, "authority": authority})


def test_a_stranger_is_told_nothing_until_it_authenticates(stranger):
    assert stranger.hear(5000) == []
    stranger.say(Authenticate("one"))
    welcome = stranger.hear()[0]
    assert isinstance(welcome, Welcome)
    assert [symbol for symbol, _, _ in welcome.instruments] == ["B-USD"]
    assert welcome.limits["subscriptions"] == 1


@pytest.mark.parametrize("first", [Subscribe(1, []), Pong(0, {}), Resync(1), Unsubscribe(1)])
def test_a_stranger_that_says_anything_else_first_is_closed_with_4001(stranger, first):
    with pytest.raises(ProtocolError) as closed:
        stranger.say(first)
    assert closed.value.code == 4001


def test_a_bad_token_closes_with_the_code_of_the_authority(stranger):
    with pytest.raises(ProtocolError) as closed:
        stranger.say(Authenticate("stolen"))
    assert closed.value.code == 4001
    assert "stolen" not in str(closed.value)


def test_what_the_token_does_not_allow_is_forbidden_and_the_rest_is_served(stranger):
    stranger.say(Authenticate("books"))
    first, second, third = stranger.ask(
        Channel("trades", "A-USD"), Channel("book", "A-USD"), Channel("nonsense", "A-USD")
    )
    assert (first.code, first.id, first.index) == (4003, 1, 0)
    assert isinstance(second, Subscribed)
    assert third.code == 4003  # who may not have it is not told whether it exists


def test_a_token_may_lower_the_number_of_subscriptions(stranger):
    stranger.say(Authenticate("one"))
    answers = stranger.ask(Channel("book", "B-USD", depth=1), Channel("book", "B-USD", depth=2))
    assert [getattr(one, "code", 0) for one in answers] == [0, 4009]


def test_a_newer_token_ends_only_what_it_does_not_allow(stranger):
    stranger.say(Authenticate("all"))
    book, trades = stranger.ask(Channel("book", "A-USD"), Channel("trades", "A-USD"))
    stranger.say(Authenticate("books"))
    (ended,) = [m for m in stranger.hear() if isinstance(m, Error)]
    assert (ended.code, ended.key) == (4003, trades.key)
    assert stranger.subscriber.statistics().subscriptions == 1
    stranger.say(Unsubscribe(book.key))
    assert not any(isinstance(m, Error) for m in stranger.hear())


def test_a_token_where_none_is_asked_for_is_an_error_and_no_end(line):
    line.say(Authenticate("all"))
    (error,) = [m for m in line.hear() if isinstance(m, Error)]
    assert error.code == 4002


def test_who_sends_too_fast_is_told_when_to_go_on_and_ignored_until_then():
    line = Line(messages_per_s=10, messages_burst=2).live()
    for wish in range(3):
        line.say(Subscribe(wish, [Channel("ticker", "A-USD")]))
    answers = [m for m in line.hear() if isinstance(m, Subscribed | Error)]
    assert [type(m) for m in answers] == [Subscribed, Subscribed, Error]
    assert (answers[2].code, answers[2].retry_after_s) == (4029, pytest.approx(0.1))
    assert line.subscriber.statistics().subscriptions == 2
    line.hear(300)
    assert isinstance(line.ask(Channel("ticker", "B-USD"))[0], Subscribed)


def flood(line, one):
    for _ in range(20):
        one(line)


def test_who_goes_on_sending_too_fast_is_closed_with_4029():
    line = Line(messages_per_s=10, messages_burst=4)
    with pytest.raises(ProtocolError) as closed:
        flood(line, lambda line: line.say(Resync(1)))
    assert closed.value.code == 4029
    assert [m.code for m in line.hear() if isinstance(m, Error)] == [4004] * 4 + [4029] * 4


def test_frames_that_are_no_messages_count_as_well():
    line = Line(messages_per_s=10, messages_burst=4)
    with pytest.raises(ProtocolError) as closed:
        flood(line, lambda line: line.subscriber.count(line.now))
    assert closed.value.code == 4029


def test_answers_to_pings_do_not_count_and_invented_ones_do():
    line = Line(messages_per_s=0.01, messages_burst=2, heartbeat_s=0.05).live()
    pings = 0
    for _ in range(100):
        for ping in line.hear(60):
            if isinstance(ping, Ping):
                line.say(Pong(ping.nonce, {}))
                pings += 1
    assert pings > 50
    assert line.subscriber.statistics().refused == 0
    with pytest.raises(ProtocolError) as closed:
        flood(line, lambda line: line.say(Pong(1, {})))
    assert closed.value.code == 4029


def test_a_reader_that_subscribes_to_nothing_is_closed_in_the_end_and_no_other():
    idle, busy = Line(idle_s=10).live(), Line(idle_s=10).live()
    busy.ask(Channel("ticker", "A-USD"))
    for _ in range(9):
        for line in (idle, busy):
            for ping in line.hear(1000):
                if isinstance(ping, Ping):
                    line.say(Pong(ping.nonce, {key: (e, exact) for key, (e, _, exact) in ping.heads.items()}))
    assert (idle.subscriber.closing, busy.subscriber.closing) == (None, None)
    idle.hear(1001)
    busy.hear(1001)
    assert idle.subscriber.closing == (4009, "nothing subscribed for 10 s")
    assert busy.subscriber.closing is None
