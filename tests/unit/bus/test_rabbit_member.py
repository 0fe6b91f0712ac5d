import asyncio

from support.bus_events import counted_events
from support.bus_fixtures import opened, transport_at, until

from rtlab.bus import connect


async def test_who_comes_later_gets_a_share_of_the_shards_and_the_order_per_key_holds(rabbit_url, new_topic):
    topic, seen = new_topic(shards=4), []
    workers: dict[str, set[int]] = {"one": set(), "two": set()}

    def note(name):
        async def handle(delivery):
            workers[name].add(delivery.shard)
            seen.append((delivery.key, delivery.body.n))

        return handle

    one, two = connect(rabbit_url), connect(rabbit_url)
    one.consume(topic)(note("one"))
    two.consume(topic)(note("two"))
    events = counted_events(topic, 20_000, 40)
    async with one, two:
        for start in range(0, len(events), 40):
            await one.publish(topic, *events[start : start + 40])
            if workers["two"] and start > 1000:
                break
            await asyncio.sleep(0.03)
        await until(lambda: len(set(seen)) == start + 40)
    assert workers["two"], "the later one got nothing"
    first: dict[str, list[int]] = {}
    for key, n in dict.fromkeys(seen):
        first.setdefault(key, []).append(n)
    assert all(numbers == sorted(numbers) for numbers in first.values())


async def test_a_connection_that_broke_is_made_again_and_all_lines_with_it(rabbit_url, new_topic):
    topic = new_topic(shards=2)
    async with opened(transport_at(rabbit_url)) as transport:
        await transport.declare(topic)
        held = []
        member = await transport.join(topic, "main", held.append, 100)
        await member._link.drop()
        await until(lambda: len(held) == 4)
        assert sorted(one.shard for one in held if one.is_held) == [0, 1]
        await member.leave()
        for one in held:
            await one.release()
