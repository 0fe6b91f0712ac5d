import random

import pytest
from support.bus_events import counted_events, counted_topic

from rtlab.bus.lanes import Lanes

TOPIC = counted_topic()


def lanes_of(count: int, keys: int, **options) -> Lanes[int]:
    lanes: Lanes[int] = Lanes()
    for position, event in enumerate(counted_events(TOPIC, count, keys)):
        lanes.add(position, [event], **options)
    return lanes


def ids(works) -> list[str]:
    return [work.event.id for work in works]


def test_events_of_one_key_are_given_out_one_after_the_other_and_other_keys_beside_them():
    lanes = lanes_of(4, 2)
    first, second = lanes.take(0), lanes.take(0)
    assert ids(first + second) == ["k0-0", "k1-0"]
    assert lanes.take(0) == []
    lanes.settle(second)
    assert ids(lanes.take(0)) == ["k1-1"]
    lanes.settle(first)
    assert ids(lanes.take(0)) == ["k0-1"]


def test_a_batch_takes_many_of_a_key_in_order():
    lanes = lanes_of(6, 2)
    works = lanes.take(0, 5)
    assert ids(works) == ["k0-0", "k0-1", "k0-2", "k1-0", "k1-1"]
    lanes.settle(works)
    assert ids(lanes.take(0, 5)) == ["k1-2"]


def test_only_what_all_before_is_finished_may_be_committed_and_each_once():
    lanes = lanes_of(3, 3)
    a, b, c = lanes.take(0), lanes.take(0), lanes.take(0)
    lanes.settle(b)
    assert lanes.committable() is None
    lanes.settle(a)
    assert lanes.committable() == (1, 2)
    assert lanes.committable() is None
    lanes.settle(c)
    assert lanes.committable() == (2, 1)
    assert lanes.held == 0


def test_what_failed_is_tried_again_when_due_and_singly_and_its_key_waits():
    lanes = lanes_of(4, 2)
    works = lanes.take(0, 4)
    lanes.settle([], works, due=5.0)
    assert lanes.take(4.9, 4) == []
    assert lanes.next_due == 5.0
    again = lanes.take(5.0, 4)
    assert ids(again) == ["k0-0"]
    assert ids(lanes.take(5.0, 4)) == ["k1-0"]
    lanes.settle(again)
    assert ids(lanes.take(5.0, 4)) == ["k0-1"]


def test_part_of_a_batch_may_be_done_and_the_rest_tried_again():
    lanes = lanes_of(3, 1)
    works = lanes.take(0, 3)
    lanes.settle(works[:1], works[1:], due=1.0)
    assert lanes.committable() == (0, 1)
    assert lanes.take(0) == []
    assert ids(lanes.take(1.0, 3)) == ["k0-1"]


def test_suspects_are_given_out_singly_and_nothing_beside_them():
    lanes = lanes_of(2, 2, suspect=True)
    lanes.add(2, counted_events(TOPIC, 3, 3)[2:])
    first = lanes.take(0, 10)
    assert len(first) == 1
    assert lanes.take(0, 10) == []
    lanes.settle(first)
    second = lanes.take(0, 10)
    assert len(second) == 1
    lanes.settle(second)
    assert ids(lanes.take(0, 10)) == ["k2-0"]


def test_an_entry_without_events_for_us_is_committed_with_those_of_others_counted():
    lanes: Lanes[str] = Lanes()
    lanes.add("1", [], whole=5)
    assert lanes.committable() == ("1", 5)


@pytest.mark.parametrize("seed", range(30))
def test_any_course_of_things_keeps_the_order_and_finishes_all(seed):
    """Oracle: a list of what was finished per key must count up from 0, and commits must be prefixes."""
    draw = random.Random(seed)
    events = counted_events(TOPIC, 200, 7)
    lanes: Lanes[int] = Lanes()
    now, added, finished, under_way, committed = 0.0, 0, {}, [], 0
    done_positions: set[int] = set()
    positions = {}
    while len(done_positions) < len(events) or committed < len(events):
        now += draw.random()
        move = draw.random()
        if move < 0.3 and added < len(events):
            lanes.add(added, [events[added]], suspect=draw.random() < 0.1)
            positions[events[added].id] = added
            added += 1
        elif move < 0.6 or not under_way:
            works = lanes.take(now, draw.randint(1, 6))
            keys = {work.event.key for work in works}
            assert not any(work.event.key in keys for other in under_way for work in other)
            if works:
                under_way.append(works)
        else:
            works = under_way.pop(draw.randrange(len(under_way)))
            cut = draw.randint(0, len(works)) if draw.random() < 0.3 else len(works)
            for work in works[:cut]:
                n = int(work.event.id.rpartition("-")[2])
                assert finished.get(work.event.key, 0) == n
                finished[work.event.key] = n + 1
                done_positions.add(positions[work.event.id])
            lanes.settle(works[:cut], works[cut:], now + draw.random() * 3)
        found = lanes.committable()
        if found is not None:
            assert found[0] + 1 - found[1] == committed
            committed = found[0] + 1
            assert set(range(committed)) <= done_positions
    assert lanes.held == 0
    assert lanes.take(now + 100) == []
