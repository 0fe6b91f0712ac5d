import asyncio

import pytest
from support.bus_events import counted_events
from support.bus_fixtures import opened, transport_at

from rtlab.bus.event import pack
from rtlab.bus.rabbit import _round


@pytest.mark.parametrize(
    ("delay", "rounded"), [(0.2, 1), (7, 7), (99, 99), (101, 110), (1234, 1300), (60_000, 60_000)]
)
def test_delays_are_rounded_upwards_to_two_digits(delay, rounded):
    assert _round(delay) == rounded


async def test_a_queue_that_is_full_refuses_the_rest_in_order(rabbit_url, new_topic):
    topic = new_topic(shards=1, limit=3)
    async with opened(transport_at(rabbit_url)) as transport:
        await transport.declare(topic)
        taken = 0
        for event in counted_events(topic, 30, 1):
            if not await transport.append(topic, 0, pack([event])):
                break
            taken += 1
        assert 3 <= taken < 30


async def test_declaring_twice_registers_once_and_many_at_once_are_no_trouble(rabbit_url, new_topic):
    topic = new_topic()
    async with opened(transport_at(rabbit_url)) as transport:
        await asyncio.gather(*(transport.declare(topic) for _ in range(3)))
        async with opened(transport_at(rabbit_url)) as other:
            await other.declare(topic)
            assert [one.name for one in await other.topics()].count(topic.name) == 1
