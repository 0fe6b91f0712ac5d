import pytest

from rtlab.book import BookView, L2Book, Tape
from rtlab.errors import ProtocolError
from rtlab.protocol import (
    Batch,
    Channel,
    Codec,
    Error,
    Increment,
    Limits,
    PayloadCache,
    Ping,
    Snapshot,
    State,
    Status,
    Trades,
)
from rtlab.protocol.channels import update_of
from rtlab.protocol.cursor import Cursor
from rtlab.protocol.delivery import Delivery

MS = 1_000_000
CODEC = Codec()


class Desk:
    """A delivery with a book and a tape, and a reader that answers at once."""

    def __init__(self, **limits):
        self.book, self.tape, self.now = L2Book(), Tape(), 0
        self.cache = PayloadCache()
        self.delivery = Delivery(CODEC, self.cache, Limits(**limits), 0)

    def subscribe(self, name, source, depth=10, least=None):
        lane = self.cache.lane(source, CODEC, name, "A", 0, depth)
        less = None if least is None else self.cache.lane(source, CODEC, name, "A", 0, least)
        self.delivery.cursors[lane.base] = Cursor(lane.base, lane, Channel(name, "A", depth), 0, less)
        return lane.base

    def due(self, ms=0):
        self.now += ms * MS
        return [CODEC.decode_server(payload) for payload in self.delivery.due(self.now)]

    def answer(self):
        self.delivery.credit.answer(self.delivery.credit.nonce, self.delivery.sent(), self.now)

    def trade(self, count):
        self.tape.extend([(self.now, 100, 1, 0)] * count)


def live_desk(**limits):
    desk = Desk(**limits)
    desk.due()
    desk.answer()
    assert desk.delivery.credit.state is State.LIVE
    return desk


def test_answers_come_first_then_news_then_a_ping():
    desk = Desk()
    desk.delivery.reply(Error(1, "one"))
    desk.delivery.reply(Error(2, "two"))
    desk.subscribe("book", desk.book)
    answers, news, ping = desk.due()
    assert [type(part) for part in answers.messages] == [Error, Error]
    assert isinstance(news, Snapshot)
    assert isinstance(ping, Ping)


def test_a_single_answer_is_not_wrapped():
    desk = Desk()
    desk.delivery.reply(Error(1, "one"))
    assert isinstance(desk.due()[0], Error)


def test_news_of_several_channels_are_one_payload():
    desk = live_desk()
    desk.due()
    desk.subscribe("book", desk.book)
    desk.subscribe("trades", desk.tape)
    news = desk.due()[-1]
    assert isinstance(news, Batch)
    assert [type(part) for part in news.messages] == [Snapshot, Trades]


def test_a_ping_tells_where_each_channel_stands_that_was_sent_something():
    desk = live_desk()
    key = desk.subscribe("book", desk.book)
    desk.due()
    desk.subscribe("trades", desk.tape, 5)
    desk.book.change(0, 1, 1, 0)
    ping = desk.due(1001)[-1]
    assert isinstance(ping, Ping)
    assert ping.heads[key] == (1, 1, 1)
    assert ping.server_time == desk.now


def test_nothing_is_sent_while_paused():
    desk = live_desk()
    desk.due()
    desk.subscribe("book", desk.book)
    desk.delivery.reply(Error(1, "one"))
    desk.delivery.credit.pause(desk.now)
    assert desk.due(10) == []
    desk.delivery.credit.resume(desk.now)
    kinds = [type(message) for message in desk.due(10)]
    assert kinds == [Batch, Snapshot, Ping]  # the answer and a Status, the news, a ping


def test_a_live_reader_gets_of_a_burst_what_its_window_takes_and_then_the_rest():
    desk = live_desk()
    desk.subscribe("trades", desk.tape)
    desk.due()
    desk.trade(300)
    rows = []
    while len(rows) < 300:
        news = desk.due(1)[0]
        assert isinstance(news, Trades)
        assert 16 <= len(news.trades) <= 4096 // 32
        assert news.before.seq == len(rows)
        rows += news.trades
        desk.answer()
    assert desk.delivery.tally.dropped == 0


def test_a_reader_that_fell_behind_gets_only_the_newest_rows():
    desk = live_desk()
    key = desk.subscribe("trades", desk.tape)
    desk.trade(1)
    desk.due()
    desk.delivery.credit.fell_behind = True
    desk.trade(150)
    news = desk.due()[0]
    assert isinstance(news, Trades)
    assert (len(news.trades), news.last_seq) == (16, 151)
    assert desk.delivery.tally.dropped == 134
    desk.delivery.end(key)
    assert desk.delivery.tally.dropped == 134  # of subscriptions that ended, too


def test_a_live_reader_is_told_of_rows_that_left_the_ring_before_it_could_take_them():
    desk = live_desk(status_every_s=1)
    desk.tape = Tape(keep=16)
    desk.subscribe("trades", desk.tape)
    desk.trade(1)
    desk.due()
    desk.trade(50)
    desk.due(1)
    assert desk.delivery.rests_until == 0
    told = [m for _ in range(30) for m in (desk.due(100), desk.answer())[0] if isinstance(m, Status)]
    assert [(status.state, status.dropped) for status in told] == [("LIVE", 34)]  # once


def test_each_change_of_state_is_told():
    desk = live_desk()
    desk.subscribe("book", desk.book)
    (status,) = [m for m in desk.due() if isinstance(m, Status)]
    assert status.state == "LIVE"
    desk.due(1001)
    messages = desk.due(300)
    (status,) = [m for m in messages if isinstance(m, Status)]
    assert (status.state, status.lag_ms) == ("LAGGING", 300.0)


def test_an_evicted_reader_is_sent_nothing_and_told_when_to_retry():
    desk = Desk(evict_after_s=2, retry_after_s=7)
    desk.due()
    desk.delivery.reply(Error(1, "one"))
    assert desk.due(2001) == []
    assert desk.delivery.evicted == "too slow: nothing applied for 2 s; retry in 7 s"
    assert desk.due(1) == []


def test_waiting_answers_are_bounded():
    desk = Desk(replies=3)
    for _ in range(3):
        desk.delivery.reply(Error(1, "one"))
    with pytest.raises(ProtocolError, match="asks faster than it takes the answers") as wrong:
        desk.delivery.reply(Error(1, "one"))
    assert wrong.value.code == 4029


def test_a_status_is_told_even_when_the_answers_are_full():
    desk = Desk(replies=1)
    desk.due()
    desk.delivery.reply(Error(1, "one"))
    desk.answer()
    assert len(desk.due()[0].messages) == 2


def test_an_ended_subscription_is_sent_nothing_more():
    desk = live_desk()
    key = desk.subscribe("book", desk.book)
    desk.due()
    assert desk.delivery.end(key)
    assert not desk.delivery.end(key)
    desk.book.change(0, 1, 1, 0)
    assert desk.due() == []
    assert desk.delivery.sent() == {}


def test_bytes_and_messages_are_counted():
    desk = live_desk()
    before = desk.delivery.tally
    desk.subscribe("book", desk.book)
    desk.subscribe("trades", desk.tape)
    payloads = desk.delivery.due(desk.now)
    assert desk.delivery.tally.bytes == before.bytes + sum(map(len, payloads))
    assert desk.delivery.tally.messages == before.messages + 3  # and the Status


def degraded_desk(**limits):
    desk = live_desk(degrade_after_s=0, relapse_s=0, **limits)
    key = desk.subscribe("book", desk.book, 10, least=3)
    for price in range(20):
        desk.book.change(0, 100 + price, 1, desk.now)
    view = BookView()
    take(desk, view, 1)
    desk.due(1001)
    desk.due(300)
    desk.due(1)
    assert desk.delivery.credit.state is State.DEGRADED
    return desk, view, key


def take(desk, view, ms):
    """Let the view apply what comes; give the depths of the messages for the book."""
    messages = []
    for message in desk.due(ms):
        messages += message.messages if isinstance(message, Batch) else [message]
    depths = []
    for message in messages:
        if isinstance(message, Snapshot):
            view.load(update_of(message, 0))
        elif isinstance(message, Increment):
            view.apply(update_of(message, 0))
        else:
            continue
        depths.append(message.depth)
        assert message.checksum == view.checksum(message.depth)
    return depths


def test_a_degraded_reader_gets_the_depth_it_consented_to_and_live_again_all_of_it():
    desk, view, _ = degraded_desk()
    desk.answer()
    desk.book.change(0, 119, 7, desk.now)
    assert take(desk, view, 600) == [3]
    assert view.bids() == [(119, 7), (118, 1), (117, 1)]
    depths = []
    for _ in range(5):
        desk.answer()
        depths += take(desk, view, 1001)  # nothing new within the depth, but pings
    assert desk.delivery.credit.state is State.LIVE
    assert depths == [10]
    assert view.bids() == desk.book.bids(10)


def test_who_did_not_consent_keeps_its_depth():
    desk = live_desk(degrade_after_s=0)
    desk.subscribe("book", desk.book, 10)
    desk.due()
    desk.due(1001)
    desk.due(300)
    desk.due(1)
    desk.answer()
    desk.book.change(0, 100, 1, desk.now)
    assert take(desk, BookView(), 600) == [10]


def test_who_is_behind_is_told_its_counts_now_and_then():
    desk, _, _ = degraded_desk(need=1000)
    told = []
    for count in range(60):
        desk.answer()
        for change in range(3):
            desk.book.change(0, 119, 1000 * count + change + 2, desk.now)
            told += [m for m in flat(desk.due(50)) if isinstance(m, Status)]
    assert {status.state for status in told} == {"DEGRADED"}
    assert 7 <= len(told) <= 9  # of nine seconds
    assert told[-1].merged > told[0].merged > 0


def flat(messages):
    return [part for m in messages for part in (m.messages if isinstance(m, Batch) else [m])]


def test_who_is_given_up_is_told_why_and_holds_no_answers():
    desk = live_desk(retry_after_s=7)
    desk.due()
    desk.delivery.reply(Error(1, "one"))
    assert desk.delivery.waiting_bytes == len(CODEC.encode(Error(1, "one")))
    desk.delivery.give_up("too slow: the memory is needed", desk.now)
    assert desk.delivery.evicted == "too slow: the memory is needed; retry in 7 s"
    assert desk.due(1) == []


def test_of_a_reader_that_came_from_further_on_nothing_is_said_until_its_snapshot():
    desk = live_desk()
    desk.book.set_level(0, 100, 5, 1)
    lane = desk.cache.lane(desk.book, CODEC, "book", "A", 0, 10)
    wish = Channel("book", "A", 10, resume=(desk.book.epoch, desk.book.seq + 50, 10))
    desk.delivery.cursors[lane.base] = Cursor(lane.base, lane, wish, 2000 * MS)
    early = [m for _ in range(18) for m in (desk.due(100), desk.answer())[0]]
    pings = [m for m in early if isinstance(m, Ping)]
    assert pings
    assert [m.heads for m in pings] == [{}] * len(pings)
    assert not any(isinstance(m, Snapshot) for m in early)
    late = [m for _ in range(20) for m in (desk.due(100), desk.answer())[0]]
    assert sum(isinstance(m, Snapshot) for m in late) == 1
    heads = [m.heads for m in late if isinstance(m, Ping)]
    assert heads[-1] == {lane.base: (desk.book.epoch, desk.book.seq, desk.book.seq)}
