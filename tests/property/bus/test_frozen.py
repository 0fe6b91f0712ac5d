"""A holder of a lease that is frozen and wakes up: what it writes then is refused, counted, and has no effect."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from support.bus_crowd import Crowd
from support.bus_events import counted_events, counted_topic, judge, make_account, rows
from support.bus_fixtures import until
from support.bus_servers import RedisServer

from rtlab.bus import connect
from rtlab.bus.handling import delivery_of
from rtlab.bus.once import RedisOnce
from rtlab.errors import FencedError

LEASE_S = 0.6


async def test_a_frozen_holder_writes_nothing_when_it_wakes_and_that_is_counted(tmp_path, capsys):
    topic, path = counted_topic(shards=1), tmp_path / "account.db"
    make_account(path)
    events = counted_events(topic, 210, 10)
    settings = {"database": path, "lease_s": LEASE_S, "topic": {"shards": 1}, "hold_s": 0.5, "concurrency": 1}
    with RedisServer(tmp_path / "redis") as server, Crowd(1, url=server.url, **settings) as crowd:
        crowd.wait_ready()
        async with connect(server.url) as bus:
            await bus.publish(topic, *events[:200])
            holding = Path(f"{path}.holding")  # the second call has begun, and has not written yet
            await until(lambda: holding.exists() and holding.read_text().count("held") == 2)
            crowd.freeze(0)
            crowd.told["hold_s"] = 0
            crowd.add()
            await asyncio.sleep(3 * LEASE_S)
            await until(lambda: len(rows(path)) >= 200)
            crowd.wake(0)
            await bus.publish(topic, *events[200:])
            await until(lambda: len(rows(path)) >= 210)

            async def refused() -> int:
                keys = [f"rtlab:bus:{{counted/{shard}}}:group:main" for shard in range(1)]
                return sum([int(await bus.transport._redis.hget(key, "refused") or 0) for key in keys])

            async with asyncio.timeout(20):
                while not (count := await refused() + crowd.fenced(path)):
                    await asyncio.sleep(0.05)
        found = judge(path, events)
        with capsys.disabled():
            print(f"\nfrozen for {3 * LEASE_S:g} s, then woken: {count} writes refused, {found}")
    assert found == {"lost": 0, "twice": 0, "broken": 0, "strange": 0}


async def test_on_redis_too_an_older_token_changes_nothing(tmp_path):
    topic = counted_topic(shards=1)
    (event,) = counted_events(topic, 1, 1)
    new = delivery_of(topic, "main", 0, 2, event, 0)
    old = msgspec.structs.replace(new, token=1, id="other")
    with RedisServer(tmp_path / "redis") as server:
        once = RedisOnce(server.url)
        await once.apply(new, [("INCR", "effects")])
        with pytest.raises(FencedError):
            await once.apply(old, [("INCR", "effects")])
        assert (await once._redis.get("effects"), once.refused) == (b"1", 1)
        await once.close()
