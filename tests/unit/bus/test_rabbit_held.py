import time

import pytest
from support.bus_events import counted_events
from support.bus_fixtures import opened, transport_at, until

from rtlab.bus.event import pack, unpack
from rtlab.bus.letters import encode_mark
from rtlab.bus.transport import DeadLetter
from rtlab.errors import FencedError


async def test_what_is_not_committed_goes_to_the_next_in_line_in_order_with_the_mark(rabbit_url, new_topic):
    topic = new_topic(shards=1)
    events = counted_events(topic, 5, 1)
    async with opened(transport_at(rabbit_url)) as transport, opened(transport_at(rabbit_url)) as second:
        await transport.declare(topic)
        held, next_held = [], []
        member = await transport.join(topic, "main", held.append, 100)
        other = await second.join(topic, "main", next_held.append, 100)
        began = time.time()
        for event in events:
            await transport.append(topic, 0, pack([event]))
        ended, taken = time.time(), []
        while len(taken) < 5:
            taken += await held[0].read()
        assert not any(one.suspect for one in taken)
        born = time.time() - held[0].oldest_s()
        assert (
            began - 0.01 <= born <= ended + 0.01
        )  # told in ms; a wrong width of the header is off by a minute
        await held[0].commit(taken[1].position, 2)
        assert await held[0].marked() == b""
        for tries in (1, 2):
            await held[0].note(encode_mark("x", tries))
        await member.leave()
        await held[0].release()
        again = []
        while len(again) < 3:
            again += await next_held[0].read()
        assert [unpack(one.payload).events[0].id for one in again] == ["k0-2", "k0-3", "k0-4"]
        assert await next_held[0].marked() == encode_mark("x", 2)
        await next_held[0].bury(DeadLetter("main", 0, "no", 1, time.time_ns(), events[2]))
        assert len(await second.letters(topic, "main", 5)) == 1
        await other.leave()
        await next_held[0].release()


async def test_a_channel_that_is_gone_is_lost_and_writes_nothing(rabbit_url, new_topic):
    topic = new_topic(shards=1)
    async with opened(transport_at(rabbit_url)) as transport:
        await transport.declare(topic)
        held = []
        member = await transport.join(topic, "main", held.append, 100)
        await member.leave()
        await member.close()
        await until(lambda: held[0].is_lost)
        assert not held[0].is_held
        with pytest.raises(FencedError):
            await held[0].commit("1", 1)
        with pytest.raises(FencedError):
            await held[0].note(b"mark")
