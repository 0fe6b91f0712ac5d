"""What all venues have in common, on the smallest venue there could be."""

import pytest

from rtlab.errors import LocalError
from rtlab.model import Instrument
from rtlab.sources.venues.kept import Listing
from rtlab.sources.venues.machine import BEAT_EVERY_S, HANG_UP_AFTER_S, Get, HangUp, Send, VenueMachine
from rtlab.sources.venues.trust import STALE_AFTER_S

S = 1_000_000_000
GET = Get("/a", "A")


class Tiny(VenueMachine):
    """ "ok A" proves A, "snap A" is its snapshot, "alive" a heartbeat; the rest cannot be read."""

    def _subscribe(self, now):
        self._request(Send("subscribe"))

    def _ask(self, kept, now):
        self._request(Get(f"/{kept.listing.name.lower()}", kept.listing.name))

    def _beat(self, now):
        self._request(Send("beat"))

    def _read(self, payload, now):
        if payload == "alive":
            return self._alive(now)
        verb, _, name = payload.partition(" ")
        if name not in self.kept:
            raise ValueError("no such thing")
        kept = self.kept[name]
        if verb == "snap":
            kept.load([(1, 1)], [(2, 1)], 0)
            return [kept.synced(now, 0, self._wall(now))]
        kept.trust.proved(now)
        return kept.give(0, self._wall(now), [(1, 2)], [])


def machine():
    one = Tiny([Listing(name, Instrument(name, 1, 1)) for name in ("A", "B")])
    one.opened(0, 100 * S)
    return one


def ready():
    one = machine()
    for name in one.kept:
        one.receive(f"snap {name}", 0)
    one.take_requests()
    return one


def test_opening_subscribes_and_time_asks_for_each_book_once():
    one = machine()
    assert one.take_requests() == [Send("subscribe")]
    one.tick(1)
    assert one.take_requests() == [Get("/a", "A"), Get("/b", "B")]
    one.tick(2)
    assert one.take_requests() == []


def test_times_of_receipt_are_times_of_day():
    one = machine()
    (snapshot,) = one.receive("snap A", 5)
    assert snapshot.ts_recv == 100 * S + 5


def test_it_beats_at_its_pace():
    one = ready()
    sent = []
    for tenth in range(31):
        one.receive("alive", tenth * S // 10)
        one.tick(tenth * S // 10)
        sent += one.take_requests()
    assert sent == [Send("beat")] * int(3 / BEAT_EVERY_S)


def test_silence_empties_every_book_and_then_hangs_up_once():
    one = ready()
    over = int(STALE_AFTER_S * S) + 1
    told = one.tick(over)
    assert [(m.instrument, m.bids, m.asks, m.ts_recv) for m in told] == [
        ("A", [], [], 100 * S + over),
        ("B", [], [], 100 * S + over),
    ]
    one.take_requests()
    one.tick(int(HANG_UP_AFTER_S * S) + 1)
    one.tick(int(HANG_UP_AFTER_S * S) + 2)
    assert [r for r in one.take_requests() if isinstance(r, HangUp)] == [
        HangUp("the venue said nothing for 5 s")
    ]


def test_a_heartbeat_brings_emptied_books_back_whole_where_a_hole_would_show():
    one = ready()
    one.has_sequence = True
    one.tick(2 * S)
    told = one.receive("alive", 3 * S)
    assert [(m.instrument, m.bids) for m in told] == [("A", [(1, 1)]), ("B", [(1, 1)])]
    assert one.receive("alive", 3 * S + 1) == []


def test_where_no_hole_would_show_a_book_that_was_stale_is_asked_for_when_the_venue_speaks_again():
    one = ready()
    one.tick(2 * S)
    assert one.take_requests() == [Send("beat")]  # who says nothing hears nothing
    assert one.receive("alive", 3 * S) == []
    one.tick(3 * S)
    assert [r for r in one.take_requests() if isinstance(r, Get)] == [Get("/a", "A"), Get("/b", "B")]
    (whole,) = one.receive("snap A", 3 * S)
    assert whole.bids == [(1, 1)]


def test_what_was_asked_in_a_silence_is_asked_again_after_it():
    one = ready()
    one.receive("ok B", 12 * S // 10)
    one.tick(16 * S // 10)  # nothing was said of A
    assert GET in one.take_requests()
    one.tick(4 * S)
    assert GET not in one.take_requests()
    one.receive("alive", 4 * S)
    one.tick(4 * S)
    assert GET in one.take_requests()


def test_what_cannot_be_read_is_counted_and_every_book_is_suspected_until_it_is_checked():
    one = ready()
    assert one.receive("nonsense", S) == []
    one.receive("alive", S)
    one.receive("ok A", S)
    over = int((1 + STALE_AFTER_S) * S) + 1
    assert [m.instrument for m in one.tick(int(STALE_AFTER_S * S) + 1)] == ["B"]
    assert one.take_requests()[-1] == Get("/b", "B")  # it is asked for again, and A is not
    assert [m.instrument for m in one.tick(over)] == ["A"]
    assert one.statistics().malformed == 1
    assert "no such thing" in one.sights()[1].reason


def test_a_refusal_waits_as_long_as_the_venue_says():
    one = machine()
    one.tick(1)
    one.take_requests()
    one.refused(GET, "the venue answered 429", 1, retry_after_s=3.0)
    one.receive("alive", 2 * S)
    one.tick(2 * S)
    assert GET not in one.take_requests()
    one.receive("alive", 4 * S)
    one.tick(4 * S)
    assert GET in one.take_requests()
    assert (one.statistics().refused, one.sights()[0].reason) == (1, "the venue answered 429")


def test_a_lost_connection_breaks_every_book_and_asks_for_nothing():
    one = ready()
    one.lost("it closed", S)
    assert {(sight.state, sight.reason) for sight in one.sights()} == {("held", "it closed")}
    one.tick(S + 1)
    assert one.take_requests() == []
    one.opened(2 * S, 100 * S)
    assert one.take_requests() == [Send("subscribe")]


def test_requests_that_nobody_takes_are_bounded_and_counted():
    one = machine()
    for number in range(1200):
        one._request(Send(str(number)))
    assert len(one.take_requests()) == 1000
    assert one.statistics().requests_dropped == 201


def test_a_venue_must_say_how_it_reads():
    for name in ("_subscribe", "_read", "_ask"):
        own = {other: getattr(Tiny, other) for other in ("_subscribe", "_read", "_ask") if other != name}
        with pytest.raises(TypeError, match=name):
            type("Plain", (VenueMachine,), own)([Listing("A", Instrument("A", 1, 1))])


def test_an_answer_that_nobody_asked_for_is_no_venues():
    with pytest.raises(LocalError, match="this venue asks for nothing by HTTP"):
        machine().answered(GET, b"", 0)
