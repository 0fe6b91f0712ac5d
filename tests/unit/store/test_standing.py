import msgspec
import pytest
from redis.asyncio import Redis
from support.store import store_server

from rtlab.errors import StoreError
from rtlab.store.keys import INSTRUMENTS, RECORDER, unrecorded_key
from rtlab.store.standing import NOBODY, RecorderStatistics, Standing, line_of, packed, symbols_of, unpacked

TOLD = RecorderStatistics("recording", rows=12_345, lag_s=1.25, lag_rows=70, worst_lag_s=3.0, gaps=1)


@pytest.fixture(scope="module")
def url():
    with store_server() as server:
        yield server.url


@pytest.fixture
async def redis(url):
    async with Redis.from_url(url, protocol=2) as client:
        await client.flushall()
        yield client


async def test_where_nobody_records_there_is_no_recorder_and_nothing_was_given_up(redis):
    assert await Standing.ask(redis, ["A", "B"]) == NOBODY
    assert NOBODY.lag_s == -1
    assert await symbols_of(redis) == []


async def test_what_a_recorder_tells_is_read_with_what_was_given_up_of_all_instruments(redis):
    await redis.set(INSTRUMENTS, msgspec.msgpack.encode([("A", "1", "1"), ("B", "1", "1")]))
    await redis.set(RECORDER, packed(TOLD))
    await redis.set(unrecorded_key("A"), 3)
    await redis.incrby(unrecorded_key("B"), 4)
    assert await symbols_of(redis) == ["A", "B"]
    standing = await Standing.ask(redis, await symbols_of(redis))
    assert standing == Standing(TOLD, 7)
    assert standing.lag_s == 1.25
    assert (await Standing.ask(redis, ["B"])).unrecorded == 4


@pytest.mark.parametrize("told", [b"{", b"[]", b'{"rows": 1}'])
async def test_what_is_not_of_rtlab_is_one_clear_error(redis, told):
    await redis.set(RECORDER, told)
    with pytest.raises(StoreError, match="what a recorder tells is not of rtlab"):
        await Standing.ask(redis, [])


async def test_a_counter_that_is_none_is_one_clear_error(redis):
    await redis.set(unrecorded_key("A"), "many")
    with pytest.raises(StoreError, match="many"):
        await Standing.ask(redis, ["A"])


def test_a_recorder_of_another_version_is_understood_as_far_as_it_is_known():
    fields = {**TOLD._asdict(), "moons": 3}
    assert unpacked(msgspec.json.encode(fields)) == TOLD
    assert unpacked(b'{"state": "blocked"}') == RecorderStatistics("blocked")


def test_one_line_says_how_it_stands_and_what_was_lost_only_where_something_was():
    line = line_of(TOLD)
    assert line == "recording: 12,345 rows safe, 1.2 s and 70 rows behind (worst 3.0 s), 1 gaps"
    lost = line_of(TOLD._replace(unrecorded=2000, rows_lost=64_000))
    assert lost == line + ", 2,000 entries given up, LOST 64,000 rows"
