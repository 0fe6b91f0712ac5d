import numpy as np
import pytest
from support.markets import HandMarket

from rtlab.errors import ProtocolError
from rtlab.protocol import (
    Batch,
    Channel,
    Codec,
    Increment,
    Limits,
    PayloadCache,
    Ping,
    Pong,
    Resync,
    Status,
    Subscribe,
    Subscriber,
)
from rtlab.protocol.cohort import Cohorts, Tally, total
from rtlab.protocol.pulse import Pulse

MS = 1_000_000
CODEC = Codec()


class Room:
    """Some live subscribers of one book, and their cohorts."""

    def __init__(self, readers=3, *, channels=(("book", 5),), pings_per_s=2000, **limits):
        self.market, self.now = HandMarket(), 10**12
        self.market.set_levels((0, 100, 1), (1, 101, 1))
        self.cache, self.limits = PayloadCache(), Limits(**limits)
        self.pulse = Pulse(self.limits, pings_per_s)
        self.cohorts = Cohorts(self.cache, self.pulse, self)
        self.heard: list[tuple[str, object]] = []
        self.channels = channels
        self.subscribers = [self.enter() for _ in range(readers)]
        self.gather()

    def joined(self, owner, slot):
        self.heard.append(("joined", owner))

    def fell_out(self, owner, slot):
        self.heard.append(("fell out", owner))

    def enter(self):
        subscriber = Subscriber(
            self.market, codec=CODEC, cache=self.cache, limits=self.limits, now=self.now, pulse=self.pulse
        )
        wish = Subscribe(1, [Channel(name, "BTC-USD", depth) for name, depth in self.channels])
        subscriber.receive(CODEC.encode(wish), self.now)
        self.answer(subscriber, subscriber.payloads_to_send(self.now))
        return subscriber

    def answer(self, subscriber, payloads):
        for payload in payloads:
            message = CODEC.decode_server(payload)
            if isinstance(message, Ping):
                self.pong(subscriber, message)

    def pong(self, subscriber, ping):
        applied = {key: (epoch, exact) for key, (epoch, _, exact) in ping.heads.items()}
        subscriber.receive(CODEC.encode(Pong(ping.nonce, applied)), self.now)

    def gather(self):
        for _ in range(3):
            for subscriber in self.subscribers:
                self.answer(subscriber, subscriber.payloads_to_send(self.now))
                subscriber.join(self.cohorts, subscriber, self.now)

    def round(self):
        """Do a whole round; give (payload, slots) of its news and of its pings."""
        sent, asked = [], []
        for step in self.cohorts.begin(self.now):
            slots = self.cohorts.ready(step, step.slots, self.now)
            self.cohorts.sent(step, slots)
            if step.payload is not None and len(slots):
                sent.append((step.payload, slots.tolist()))
            ping = self.cohorts.ask(step, slots, self.now)
            if ping is not None:
                asked.append((ping[0], ping[1].tolist()))
        self.cohorts.end(self.now)
        return sent, asked


def flat(message):
    return message.messages if isinstance(message, Batch) else [message]


def test_readers_at_one_point_are_one_cohort_and_one_payload_is_for_all():
    room = Room(4)
    assert (room.cohorts.count, room.cohorts.members) == (1, 4)
    room.market.set_levels((0, 100, 7))
    ((payload, slots),), _ = room.round()
    assert len(slots) == 4
    assert isinstance(CODEC.decode_server(payload), Increment)
    assert [s.payloads_to_send(room.now) for s in room.subscribers] == [[]] * 4


def test_one_alone_is_not_carried():
    room = Room(1)
    assert (room.cohorts.count, room.cohorts.members) == (0, 0)
    assert not room.subscribers[0].is_carried


def test_no_news_is_no_payload_and_moves_what_was_told():
    room = Room(2, channels=(("book", 1),))
    room.market.set_levels((0, 7, 7))
    assert room.round()[0] == []
    room.now += 1001 * MS
    _, ((payload, slots),) = room.round()
    ping = CODEC.decode_server(payload)
    assert [exact - sent for _, sent, exact in ping.heads.values()] == [1]
    assert len(slots) == 2


def test_who_leaves_in_the_middle_of_a_step_stands_where_it_was_sent_to():
    room = Room(4)
    room.market.set_levels((0, 100, 7))
    (step,) = room.cohorts.begin(room.now)
    first, rest = step.slots[:2], step.slots[2:]
    room.cohorts.sent(step, room.cohorts.ready(step, first, room.now))
    before, after = room.cohorts.owners[int(rest[0])], room.cohorts.owners[int(first[0])]
    before.leave()
    after.leave()
    (payload,) = [p for p in before.payloads_to_send(room.now) if p == step.payload]
    assert payload is step.payload
    assert step.payload not in after.payloads_to_send(room.now)
    assert room.cohorts.ready(step, rest, room.now).tolist() == rest[1:].tolist()


def test_who_has_no_room_or_answers_late_leaves_and_the_others_go_on():
    room = Room(4)
    for _ in range(40):  # 4 of them answer nothing: pings are out, windows fill
        room.market.set_levels((0, 100, 7 + _), (0, 99, 1 + _), (1, 101, 2 + _))
        room.round()
        room.now += MS
    assert all(s.statistics().unanswered < s.statistics().window + 200 for s in room.subscribers)
    room.now += 2500 * MS
    room.market.set_levels((0, 100, 99))
    assert room.round()[0] == []
    assert not any(s.is_carried for s in room.subscribers)
    assert [what for what, _ in room.heard].count("fell out") == 4


def test_an_answer_settles_the_account_of_a_member():
    room = Room(3)
    room.market.set_levels((0, 100, 7))
    room.round()
    one = room.subscribers[0]
    assert one.statistics().unanswered > 0
    room.now += 1001 * MS
    _, ((payload, slots),) = room.round()
    assert len(slots) == 3
    room.pong(one, CODEC.decode_server(payload))
    assert one.is_carried
    assert one.statistics().unanswered == 0
    assert room.subscribers[1].statistics().unanswered > 0


def test_a_claim_beyond_what_was_sent_is_an_error_also_of_a_member():
    room = Room(2)
    one = room.subscribers[0]
    (key,) = one._delivery.cursors
    with pytest.raises(ProtocolError, match="more of key"):
        one.receive(CODEC.encode(Pong(1, {key: (1, 99)})), room.now)


def test_whatever_else_a_member_says_takes_it_out():
    room = Room(3)
    one, other = room.subscribers[:2]
    one.receive(CODEC.encode(Resync(next(iter(one._delivery.cursors)))), room.now)
    other.pause(room.now)
    assert [s.is_carried for s in room.subscribers] == [False, False, True]
    assert other.payloads_to_send(room.now) == []
    room.round()  # one alone is no cohort
    assert room.cohorts.members == 0


def test_a_burst_of_a_log_goes_to_those_whose_window_takes_it():
    room = Room(3, channels=(("trades", 10),))
    room.market.trade(*((0, 100, 1) for _ in range(16)))
    assert len(room.round()[0][0][1]) == 3
    room.market.trade(*((0, 100, 1) for _ in range(1000)))
    assert room.round()[0] == []
    assert not any(s.is_carried for s in room.subscribers)


def test_rows_of_a_log_that_nobody_can_be_given_any_more_are_told_to_each_on_its_own():
    room = Room(2, channels=(("trades", 10),), status_every_s=0.1)
    tape = room.market.source("trades", "BTC-USD")
    room.market.trade(*((0, 100, 1) for _ in range(4)))
    assert len(room.round()[0][0][1]) == 2
    room.market.trade(*((0, 100, 1) for _ in range(6)))
    for _ in range(7):
        tape.rows.popleft()
        tape._before.popleft()
    assert room.round()[0] == []
    assert not any(s.is_carried for s in room.subscribers)
    room.now += 200 * MS
    for subscriber in room.subscribers:
        payloads = subscriber.payloads_to_send(room.now) + subscriber.payloads_to_send(room.now + MS)
        told = [m for p in payloads for m in flat(CODEC.decode_server(p)) if isinstance(m, Status)]
        assert [status.dropped for status in told] == [3]


def test_cohorts_that_come_to_the_same_point_become_one():
    room = Room(4, channels=(("book", 1),), pings_per_s=40)
    room.market.set_levels((0, 7, 7))  # deep: told by silence, so that a ping moves who gets it
    room.round()
    room.now += 1001 * MS
    _, ((_, slots),) = room.round()
    assert len(slots) == 2  # the pulse grants no more at once
    assert room.cohorts.count == 2
    room.market.set_levels((0, 100, 9))
    sent, _ = room.round()
    assert len(sent) == 2  # from two points
    assert (room.cohorts.count, room.cohorts.members) == (1, 4)
    assert room.pulse.stretched > 0


def test_what_was_sent_is_counted_for_each_member_also_after_it_left():
    room = Room(3)
    before = room.subscribers[0].tally
    for qty in range(5):
        room.market.set_levels((0, 100, 10 + qty))
        room.round()
    carried = room.subscribers[0].tally
    assert (carried.messages, carried.heads) == (before.messages + 5, before.heads + 5)
    assert room.cohorts.carried() == total(*(s.tally for s in room.subscribers))
    room.subscribers[0].leave()
    assert room.subscribers[0].tally == carried
    assert room.cohorts.carried() == total(*(s.tally for s in room.subscribers[1:]))


def test_slots_are_given_again():
    room = Room(3)
    for _ in range(200):
        room.subscribers[0].leave()
        room.gather()
        room.round()
    assert len(room.cohorts.owners) == 64
    assert room.cohorts.fallen == 200


def test_a_source_that_went_back_is_told_to_each_on_its_own():
    room = Room(2)
    source = room.market.source("book", "BTC-USD")
    for cursor in (c for s in room.subscribers for c in s._delivery.cursors.values()):
        assert cursor.seq == source.seq
    cohort = room.cohorts.cohort(room.subscribers[0]._delivery.slot)
    for cursor in cohort.cursors.values():
        cursor.seq = cursor.told = source.seq + 5
    room.round()
    assert not any(s.is_carried for s in room.subscribers)


def test_tallies_add_up():
    assert total(Tally(1, 2, 3, 4, 5, 6), Tally(1), Tally()) == Tally(2, 2, 3, 4, 5, 6)
    assert np.array(total()).size in (0, len(Tally._fields))
