import asyncio

import pytest
from support.bus_events import Counted, counted_events
from support.bus_fixtures import opened, transport_at, until

from rtlab.bus.event import pack
from rtlab.bus.redis_keys import Keys
from rtlab.bus.redis_member import backlog_of, share
from rtlab.errors import FencedError, UnreachableError

LEASE_S = 0.4


class Members:
    """Members of one group, each with what it holds."""

    def __init__(self, transport, topic) -> None:
        self.transport, self.topic, self.all = transport, topic, []

    async def add(self):
        held: list = []
        member = await self.transport.join(self.topic, "main", held.append, 100)
        self.all.append((member, held))
        return held

    def shards(self, held) -> set[int]:
        return {one.shard for one in held if one.is_held}

    async def give_back(self) -> None:
        for _, held in self.all:
            for one in held:
                if one.is_leaving and not one.released:
                    await one.release()


@pytest.mark.parametrize("shards", [1, 2, 5, 16])
def test_shares_add_up_to_all_shards_even_if_each_member_hears_of_itself_last(shards):
    for many in range(1, 7):
        names = [f"{n:02d}" for n in range(many)]
        told = [share(name, [other for other in names if other != name] + [name], shards) for name in names]
        quotas = [quota for _, quota in told]
        assert sum(quotas) == shards
        assert max(quotas) - min(quotas) <= 1
        assert [first for first, _ in told] == sorted(first for first, _ in told)


async def test_shards_are_shared_evenly_as_members_come_and_go(redis_url, new_topic):
    async with opened(transport_at(redis_url, LEASE_S)) as transport:
        members = Members(transport, new_topic(shards=5))
        one = await members.add()
        assert members.shards(one) == set(range(5))
        two = await members.add()

        async def settled(*counts):
            async with asyncio.timeout(10):
                while True:
                    await members.give_back()
                    mine = [members.shards(held) for _, held in members.all]
                    if sorted(map(len, mine)) == sorted(counts) and set().union(*mine) == set(range(5)):
                        return
                    await asyncio.sleep(0.02)

        await settled(2, 3)
        member, held = members.all.pop(0)
        await member.leave()
        for shard in held:
            await shard.release()
        await settled(5)
        assert members.shards(two) == set(range(5))
        await members.all[0][0].leave()


async def test_a_silent_members_shards_are_taken_after_its_lease_and_it_is_fenced(redis_url, new_topic):
    topic = new_topic(shards=1)
    async with (
        opened(transport_at(redis_url, LEASE_S)) as first,
        opened(transport_at(redis_url, LEASE_S)) as second,
    ):
        old, new = [], []
        silent = await first.join(topic, "main", old.append, 100)
        for task in silent._tasks:
            task.cancel()
        other = await second.join(topic, "main", new.append, 100)
        await until(lambda: new)
        assert new[0].token == old[0].token + 1
        assert not old[0].is_held
        with pytest.raises(FencedError, match="another consumer of main holds shard 0"):
            await old[0].commit("1-0", 1)
        assert old[0].is_lost
        await new[0].commit("1-0", 1)
        await other.leave()
        await silent.leave()


async def test_the_backlog_counts_what_waits_and_how_long(redis_url, new_topic):
    topic = new_topic(shards=1)
    async with opened(transport_at(redis_url, LEASE_S)) as transport:
        await transport.append(topic, 0, pack(counted_events(topic, 7, 1)))
        await asyncio.sleep(0.05)
        found = await backlog_of(transport._redis, Keys(topic.name, 0), "main")
        assert found.events == 7
        assert 0.04 < found.oldest_s < 10
        held: list = []
        member = await transport.join(topic, "main", held.append, 100)
        (taken,) = await held[0].read()
        await held[0].commit(taken.position, 7)
        assert (await transport.backlog(topic, "main")).events == 0
        await held[0].release()
        await member.leave()


async def test_a_server_that_goes_away_does_not_end_the_member(redis_url, new_topic):
    topic = new_topic(shards=1)
    async with opened(transport_at(redis_url, LEASE_S)) as transport:
        held: list = []
        member = await transport.join(topic, "main", held.append, 100)
        await transport._redis.connection_pool.disconnect(inuse_connections=True)
        await asyncio.sleep(LEASE_S)
        await until(lambda: held[-1].is_held)
        await transport.append(topic, 0, pack([topic.event(Counted("k", 1), key="k")]))
        async with asyncio.timeout(10):
            while True:
                try:
                    if await held[-1].read():
                        break
                except UnreachableError:
                    continue
        await held[-1].release()
        await member.leave()
