import asyncio

import pytest
from support.bus_doubles import MemoryTransport
from support.bus_events import Counted, counted_events, counted_topic

from rtlab.bus.event import unpack
from rtlab.bus.publisher import Publisher
from rtlab.errors import FullError, UnreachableError

TOPIC = counted_topic(shards=1)


def ids(transport: MemoryTransport) -> list[str]:
    return [event.id for entry, _ in transport.entries.get(0, []) for event in unpack(entry).events]


async def test_what_is_published_while_a_write_is_under_way_goes_with_the_next():
    transport = MemoryTransport()
    transport.gate = asyncio.Event()
    publisher = Publisher(transport)
    events = counted_events(TOPIC, 50, 1)
    tasks = [asyncio.create_task(publisher.publish(TOPIC, [event], 5)) for event in events]
    await asyncio.sleep(0.01)
    told = publisher.statistics()
    assert told.waiting == 50
    transport.gate.set()
    await asyncio.gather(*tasks)
    assert ids(transport) == [event.id for event in events]
    assert transport.appends <= 2
    assert publisher.statistics().published == 50
    assert publisher.statistics().waiting == 0


async def test_a_write_that_fails_is_tried_again_in_order_until_it_is_safe():
    transport = MemoryTransport()
    transport.outcomes = [UnreachableError("gone"), UnreachableError("gone")]
    publisher = Publisher(transport)
    events = counted_events(TOPIC, 3, 1)
    await publisher.publish(TOPIC, events, 5)
    assert ids(transport) == [event.id for event in events]
    assert publisher.statistics().retries == 2


async def test_what_is_not_confirmed_in_time_raises_says_why_and_is_not_sent_later():
    transport = MemoryTransport()
    transport.outcomes = [UnreachableError("the server is gone")] * 1000
    publisher = Publisher(transport)
    with pytest.raises(UnreachableError, match=r"not confirmed within 0.1 s.*the server is gone"):
        await publisher.publish(TOPIC, counted_events(TOPIC, 2, 1), 0.1)
    transport.outcomes = []
    await publisher.publish(TOPIC, [TOPIC.event(Counted("k", 9), key="k", id="later")], 5)
    assert ids(transport) == ["later"]
    assert publisher.statistics().unconfirmed == 2


async def test_without_room_a_topic_blocks_refuses_or_diverts_as_it_says():
    events = counted_events(TOPIC, 2, 1)
    transport = MemoryTransport()
    publisher = Publisher(transport)
    transport.outcomes = [False]
    await publisher.publish(TOPIC, events, 5)
    assert len(ids(transport)) == 2
    transport.outcomes = [False] * 1000
    with pytest.raises(UnreachableError, match="there is no room"):
        await publisher.publish(TOPIC, events, 0.1)
    transport.outcomes = [False]
    with pytest.raises(FullError, match="has no room in shard 0"):
        await publisher.publish(counted_topic(name="r", shards=1, full="refuse"), events, 5)
    transport.outcomes = [False]
    await publisher.publish(counted_topic(name="d", shards=1, full="divert", groups=("a", "b")), events, 5)
    assert [(letter.group, letter.event.id) for letter in transport.letters] == [
        ("a", "k0-0"),
        ("a", "k0-1"),
        ("b", "k0-0"),
        ("b", "k0-1"),
    ]
    told = publisher.statistics()
    assert (told.refused, told.diverted, told.unconfirmed) == (2, 2, 2)


async def test_more_than_may_wait_here_waits_outside_until_there_is_room():
    transport = MemoryTransport()
    transport.gate = asyncio.Event()
    publisher = Publisher(transport, most=3)
    first = asyncio.create_task(publisher.publish(TOPIC, counted_events(TOPIC, 3, 1), 5))
    await asyncio.sleep(0.01)
    with pytest.raises(UnreachableError):
        await publisher.publish(TOPIC, counted_events(TOPIC, 1, 1), 0.05)
    assert publisher.waiting == 3
    second = asyncio.create_task(publisher.publish(TOPIC, counted_events(TOPIC, 1, 1), 5))
    transport.gate.set()
    await asyncio.gather(first, second)
    assert len(ids(transport)) == 4


async def test_many_shards_are_written_side_by_side_each_in_order():
    topic, transport = counted_topic(shards=4), MemoryTransport()
    events = counted_events(topic, 5000, 20)
    await Publisher(transport).publish(topic, events, 10)
    for shard, entries in transport.entries.items():
        found = [event for entry, _ in entries for event in unpack(entry).events]
        assert found == [event for event in events if topic.shard(event.key) == shard]
    assert len(transport.entries) == 4


async def test_closing_ends_what_is_under_way():
    transport = MemoryTransport()
    transport.gate = asyncio.Event()
    publisher = Publisher(transport)
    task = asyncio.create_task(publisher.publish(TOPIC, counted_events(TOPIC, 1, 1), 60))
    await asyncio.sleep(0.01)
    await publisher.close()
    await asyncio.wait([task])
    assert task.cancelled()
