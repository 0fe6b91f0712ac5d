import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bus_events import Counted, counted_topic

from rtlab.bus.event import ENTRY_BYTES, ENTRY_EVENTS, MOST_BYTES, Event, SchemaError, Topic, pack, unpack
from rtlab.errors import BusError

TOPIC = counted_topic()


def event(n: int = 0, body: bytes = b"\x90", **changed) -> Event:
    return Event(
        **{"id": f"e{n}", "key": "k", "type": "Counted", "version": 1, "ts_event": n, "body": body, **changed}
    )


def test_an_event_comes_back_as_it_was_made():
    made = TOPIC.event(Counted("k", 5), key="k", id="one", ts_event=3)
    (entry, count) = pack([made])[0]
    assert count == 1
    assert unpack(entry).events == [made]
    assert TOPIC.read(made) == Counted("k", 5)
    assert (made.id, made.ts_event, made.type, made.version) == ("one", 3, "Counted", 1)


def test_ids_are_made_that_are_never_the_same():
    ids = {TOPIC.event(Counted("k", n), key="k").id for n in range(1000)}
    assert len(ids) == 1000


@given(st.lists(st.integers(0, ENTRY_BYTES), max_size=200))
def test_packing_keeps_the_order_and_ends_entries_in_time(sizes):
    events = [event(n, b"x" * size) for n, size in enumerate(sizes)]
    packed = pack(events, "g")
    entries = [unpack(entry) for entry, _ in packed]
    assert [one for entry in entries for one in entry.events] == events
    assert [count for _, count in packed] == [len(entry.events) for entry in entries]
    for entry in entries:
        assert entry.group == "g"
        assert len(entry.events) <= ENTRY_EVENTS
        assert len(entry.events) == 1 or sum(len(one.body) for one in entry.events) <= ENTRY_BYTES


def test_a_body_of_another_type_or_too_large_is_the_callers_fault():
    with pytest.raises(BusError, match="carries another type: expected Counted, got x"):
        TOPIC.event("x", key="k")
    large = Topic(name="t", type=bytes)
    with pytest.raises(BusError, match="too large"):
        large.event(b"x" * MOST_BYTES, key="k")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (event(type="Other"), "unknown type of event: expected Counted, got Other"),
        (event(version=9), "unknown schema version: expected 1, got 9"),
        (event(body=b"\xff\xff"), "wrong schema"),
        (event(body=msgspec.msgpack.encode({"key": 1, "n": 2})), "wrong schema"),
        (event(body=b"x" * (MOST_BYTES + 1)), "too large"),
    ],
)
def test_what_cannot_be_read_says_why(wrong, said):
    with pytest.raises(SchemaError, match=said):
        TOPIC.read(wrong)


def test_what_is_no_entry_says_so():
    with pytest.raises(SchemaError, match="not an entry of the bus"):
        unpack(b"\xc1garbage")
    with pytest.raises(SchemaError, match="another layout: expected 1, got 2"):
        unpack(msgspec.msgpack.encode([2, "", []]))


def test_a_key_is_always_in_the_same_shard_and_all_shards_are_used():
    assert [counted_topic(shards=8).shard(key) for key in ("BTC-USD", "ETH-USD", "ann")] == [0, 7, 3]
    assert {counted_topic(shards=8).shard(f"k{n}") for n in range(200)} == set(range(8))
    assert counted_topic(shards=1).shard("any") == 0


@pytest.mark.parametrize(
    "options",
    [{"name": "a b"}, {"name": ""}, {"groups": ()}, {"groups": ("x/y",)}, {"shards": 0}, {"limit": 0}],
)
def test_a_topic_that_makes_no_sense_is_refused(options):
    with pytest.raises(BusError):
        counted_topic(**options)
