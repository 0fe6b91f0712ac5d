import time

from support.bus_events import counted_events
from support.bus_fixtures import opened, transport_at

from rtlab.bus.event import pack, unpack
from rtlab.bus.letters import encode_mark
from rtlab.bus.transport import DeadLetter


async def test_a_holder_reads_on_from_what_was_committed_and_the_mark_is_the_next_holders(
    redis_url, new_topic
):
    topic = new_topic(shards=1)
    events = counted_events(topic, 3, 3)
    async with opened(transport_at(redis_url)) as transport:
        held: list = []
        member = await transport.join(topic, "main", held.append, 100)
        for event in events:
            await transport.append(topic, 0, pack([event]))
        (first,) = held
        taken = await first.read()
        assert [unpack(one.payload).events[0].id for one in taken] == [event.id for event in events]
        assert [one.suspect for one in taken] == [False] * 3
        assert await first.read() == []
        await first.commit(taken[0].position, 1)
        await first.note(encode_mark("x", 1))
        await member.leave()
        first.is_lost = True  # it dies: nothing is given back
        await transport._redis.hset(f"rtlab:bus:{{{topic.name}/0}}:group:main", "until", 0)
        again: list = []
        other = await transport.join(topic, "main", again.append, 100)
        (second,) = again
        assert second.token == first.token + 1
        assert await second.marked() == encode_mark("x", 1)
        assert [unpack(one.payload).events[0].id for one in await second.read()] == ["k1-0", "k2-0"]
        await second.release()
        await other.leave()


async def test_the_same_event_buried_twice_is_one_letter(redis_url, new_topic):
    topic = new_topic(shards=1)
    (event,) = counted_events(topic, 1, 1)
    async with opened(transport_at(redis_url)) as transport:
        held: list = []
        member = await transport.join(topic, "main", held.append, 100)
        for tries in (1, 2):
            await held[0].bury(DeadLetter("main", 0, "no", tries, time.time_ns(), event))
        (letter,) = await transport.letters(topic, "main", 10)
        assert letter.tries == 2
        await held[0].release()
        await member.leave()
