"""The scripts by themselves, on a real server: the fence, the lease, the room and the trimming."""

import asyncio
import secrets

import pytest
from redis.asyncio import Redis

from rtlab.bus.redis_held import Scripts


@pytest.fixture
async def run(redis_url):
    redis = Redis.from_url(redis_url)
    scripts, tag = Scripts(redis), f"{{{secrets.token_hex(4)}}}"

    async def call(name, keys, *arguments):
        return await scripts(name, [f"{tag}:{key}" for key in keys], *arguments)

    call.redis, call.tag = redis, tag
    yield call
    await redis.aclose()


async def test_a_lease_is_one_owners_until_it_ends_and_its_token_grows(run):
    assert await run("ACQUIRE", ["g"], "ann", 100) == [1, b"0-0", 0, b""]
    assert await run("ACQUIRE", ["g"], "bob", 100) is None
    assert await run("RENEW", ["g"], 1, 100) == 1
    async with asyncio.timeout(10):
        while (found := await run("ACQUIRE", ["g"], "bob", 100)) is None:
            await asyncio.sleep(0.01)
    assert found[0] == 2
    assert await run("RENEW", ["g"], 1, 100) == 0


async def test_only_who_died_without_progress_leaves_suspects(run):
    await run("ACQUIRE", ["g"], "ann", 0)
    assert (await run("ACQUIRE", ["g"], "bob", 0))[2] == 1
    await run("COMMIT", ["g", "s"], 2, "5-0", 1)
    assert (await run("ACQUIRE", ["g"], "ann", 0))[1:3] == [b"5-0", 0]
    await run("RELEASE", ["g"], 3)
    assert (await run("ACQUIRE", ["g"], "bob", 0))[2] == 0


@pytest.mark.parametrize(
    ("name", "keys", "arguments"),
    [
        ("COMMIT", ["g", "s"], ("9-0", 3)),
        ("BURY", ["g", "d"], ("id", b"letter")),
        ("MARK", ["g"], (b"mark",)),
    ],
)
async def test_an_older_token_writes_nothing_and_is_counted(run, name, keys, arguments):
    await run("ACQUIRE", ["g"], "ann", 0)
    await run("ACQUIRE", ["g"], "bob", 1000)
    before = await run.redis.hgetall(f"{run.tag}:g")
    assert await run(name, keys, 1, *arguments) == 0
    after = await run.redis.hgetall(f"{run.tag}:g")
    assert after.pop(b"refused") == b"1"
    assert after == before
    assert await run(name, keys, 2, *arguments) == 1


async def test_entries_come_in_while_there_is_room_and_again_when_some_are_done(run):
    await run("ACQUIRE", ["g"], "ann", 1000)
    keys = ["s", "p", "g", "other"]
    assert await run("APPEND", keys, 3, b"one", 2, b"two", 1) == 1
    assert await run("APPEND", keys, 3, b"three", 1) == 0
    await run("COMMIT", ["g", "s"], 1, "0-1", 3)
    assert await run("APPEND", keys, 3, b"three", 1) == 0, "the other group has finished nothing"
    await run("ACQUIRE", ["other"], "bob", 1000)
    await run("COMMIT", ["other", "s"], 1, "0-1", 1)
    assert await run("APPEND", keys, 3, b"three", 1) == 1


async def test_a_stream_is_trimmed_only_up_to_what_all_groups_have_finished(run):
    ids = [await run.redis.xadd(f"{run.tag}:s", {"e": b"x" * 3000, "n": 1}, f"{n}-1") for n in range(1, 400)]
    await run("ACQUIRE", ["a"], "ann", 1000)
    await run("ACQUIRE", ["b"], "bob", 1000)
    await run("COMMIT", ["a", "s", "b"], 1, ids[-1].decode(), 399)
    assert await run.redis.xlen(f"{run.tag}:s") == 399
    await run("COMMIT", ["b", "s", "a"], 1, "200-1", 200)
    left = await run.redis.xrange(f"{run.tag}:s", count=1)
    assert 100 < int(left[0][0].partition(b"-")[0]) <= 200
    assert await run.redis.xlen(f"{run.tag}:s") >= 200


async def test_what_is_late_comes_when_it_is_due_once(run):
    await run("APPEND_LATE", ["z"], 30, b"late")
    await run("APPEND_LATE", ["z"], 60_000, b"later")
    async with asyncio.timeout(10):
        while not await run.redis.xlen(f"{run.tag}:s"):
            left = await run("MOVE", ["z", "s", "p"])
            await asyncio.sleep(0.005)
    assert 50_000 < left <= 60_000 or left <= 30
    await run("MOVE", ["z", "s", "p"])
    assert await run.redis.xlen(f"{run.tag}:s") == 1
    assert await run.redis.get(f"{run.tag}:p") == b"1"


async def test_members_are_forgotten_when_they_are_silent(run):
    await run("JOIN", ["m"], "ann", 0)
    assert await run("JOIN", ["m"], "bob", 10_000) == [b"bob"]
    assert sorted(await run("JOIN", ["m"], "cid", 10_000)) == [b"bob", b"cid"]


async def test_a_replayed_letter_is_in_the_stream_and_no_letter_any_more(run):
    await run.redis.hset(f"{run.tag}:d", "id", b"letter")
    assert await run("REPLAY", ["d", "s", "p"], "id", b"entry") == 1
    assert await run("REPLAY", ["d", "s", "p"], "id", b"entry") == 0
    assert await run.redis.xlen(f"{run.tag}:s") == 1
