import pytest
from support.bus_events import counted_topic

from rtlab.bus.topics import declared, known_topic
from rtlab.errors import BusError


def test_a_declaration_gives_the_topic_back_without_its_type():
    topic = counted_topic(groups=("a", "b"), shards=3, limit=9, full="refuse")
    known = known_topic(declared(topic))
    assert (known.name, known.groups, known.shards, known.limit, known.full) == (
        "counted",
        ("a", "b"),
        3,
        9,
        "refuse",
    )


def test_other_shards_are_refused_because_the_order_would_break():
    packed = declared(counted_topic(shards=3))
    with pytest.raises(BusError, match="expected 3, got 4"):
        known_topic(packed, wanted=counted_topic(shards=4))
    assert known_topic(packed, wanted=counted_topic(shards=3, groups=("more",))).shards == 3
