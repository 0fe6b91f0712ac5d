import asyncio

import pytest
from support.kept import BTC, plain
from support.recording import Lively, room

from rtlab.errors import UnreachableError
from rtlab.store.cold.columns import Stand, of_channel
from rtlab.store.keys import steps_key
from rtlab.store.unrecorded import Unrecorded, connect_blocking


@pytest.fixture
def here():
    with room() as one:
        yield one


async def test_what_is_only_hot_is_read_and_only_what_is_new_is_asked_for(here):
    made = Lively()
    async with made.write_to(here.url) as writer:
        with connect_blocking(here.url) as redis:
            hot = Unrecorded(redis, here.url, BTC)
            for _ in range(5):
                await made.run(10)
                await writer.drained()
                rows = await asyncio.to_thread(hot.rows, Stand())
                assert plain(of_channel(rows, "book")) == made.book
                assert plain(of_channel(rows, "trades")) == made.trades
                redis.xtrim(steps_key("BTC-USD"), maxlen=1, approximate=False)  # it is not read twice
            assert not hot.has_gap


async def test_only_what_lies_after_the_stand_is_given(here):
    made = Lively()
    async with made.write_to(here.url) as writer:
        await made.run(10)
        stand = made.rows.stand
        before = len(made.book)
        await made.run(10)
        await writer.drained()
        with connect_blocking(here.url) as redis:
            hot = Unrecorded(redis, here.url, BTC)
            assert len(plain(of_channel(await asyncio.to_thread(hot.rows, Stand()), "book"))) == len(
                made.book
            )
            rows = await asyncio.to_thread(hot.rows, stand)
            assert plain(of_channel(rows, "book")) == made.book[before:]
            assert (await asyncio.to_thread(hot.rows, made.rows.stand)).num_rows == 0


async def test_entries_that_are_gone_are_a_gap(here):
    made = Lively()
    async with made.write_to(here.url) as writer:
        await made.run(10)
        stand = made.rows.stand
        for _ in range(10):
            await made.run(1)
            await writer.drained()
        with connect_blocking(here.url) as redis:
            redis.xtrim(steps_key("BTC-USD"), maxlen=2, approximate=False)
            hot = Unrecorded(redis, here.url, BTC)
            rows = plain(of_channel(await asyncio.to_thread(hot.rows, stand), "book"))
            assert hot.has_gap
            assert rows == made.book[-len(rows) :]


def test_a_redis_that_is_not_there_is_one_clear_error():
    nobody = connect_blocking("unix:///nowhere/at/all.sock")
    told = "Redis at unix:///nowhere does not answer"
    with nobody as redis, pytest.raises(UnreachableError, match=told):
        Unrecorded(redis, "unix:///nowhere", BTC).rows(Stand())
