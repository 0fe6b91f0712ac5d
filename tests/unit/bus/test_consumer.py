import asyncio

import pytest
from support.bus_events import counted_events, counted_topic
from support.bus_fixtures import opened, transport_at, until

from rtlab.bus.consumer import Consumer
from rtlab.bus.handling import Options
from rtlab.bus.publisher import Publisher


async def test_closing_finishes_what_is_under_way_and_commits_it(url, new_topic):
    topic, started, free, done = new_topic(shards=1), asyncio.Event(), asyncio.Event(), []

    async def handle(delivery):
        started.set()
        await free.wait()
        done.append(delivery.id)

    async with opened(transport_at(url)) as transport:
        consumer = Consumer(transport, topic, "main", handle, Options())
        await consumer.start()
        await Publisher(transport).publish(topic, counted_events(topic, 3, 1), 5)
        await asyncio.wait_for(started.wait(), 20)
        closing = asyncio.create_task(consumer.close())
        await asyncio.sleep(0.05)
        free.set()
        await closing
        await consumer.close()
        assert done == ["k0-0"]
        again = []
        other = Consumer(transport, topic, "main", lambda delivery: again.append(delivery.id), Options())
        await other.start()
        await until(lambda: len(again) >= 2)
        await other.close()
        assert again in (["k0-1", "k0-2"], ["k0-0", "k0-1", "k0-2"]), "what shared its entry comes again"


async def test_what_breaks_a_worker_is_raised_by_wait(redis_url):
    class Broken(Exception):
        pass

    class Odd:
        shard = token = 0
        is_held, is_lost, is_leaving = True, False, False

        async def read(self):
            raise Broken

        async def release(self):
            pass

    class Transport:
        async def declare(self, topic):
            pass

        async def join(self, topic, group, on_held, prefetch):
            on_held(Odd())
            return Left()

    class Left:
        async def leave(self):
            pass

    consumer = Consumer(Transport(), counted_topic(), "main", print, Options())
    await consumer.start()
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(10):
            await consumer.wait()
    assert isinstance(raised.value.exceptions[0], Broken)
    await consumer.close()
