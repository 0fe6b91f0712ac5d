import asyncio
import logging
import resource

import pytest
from redis.asyncio import Redis
from support.kept import plain
from support.recording import QUICK, Lively, recorded, room, safe
from support.store import kill
from support.waiting import until

from rtlab.errors import StoreError
from rtlab.store import Follower, History
from rtlab.store.keys import RECORDER, recorded_key, steps_key, unrecorded_key
from rtlab.store.recording import RecorderLimits


@pytest.fixture
def here():
    with room() as one:
        yield one


async def test_what_is_recorded_is_what_the_market_made(here):
    async with recorded(here, steps=100) as made:
        with here.store() as store:
            assert await here.read(store, "book") == made.book
            assert await here.read(store, "trades") == made.trades
            assert await asyncio.to_thread(store.check) > 0
        assert len(made.trades) > 50


async def test_a_recorder_resumes_where_the_last_one_stopped(here):
    made = Lively()
    async with made.write_to(here.url):
        for _ in range(3):
            async with here.recorder() as recorder:
                await made.run(20)
                await safe(recorder, made)
                assert recorder.statistics().gaps == 0
            await made.run(20)  # nobody records: it waits in Redis
        async with here.recorder() as recorder:
            await safe(recorder, made)
    with here.store() as store:
        assert await here.read(store) == made.book
        assert [one.reason for one in store.manifest("BTC-USD").gaps] == ["start"]


async def test_a_recorder_that_was_there_holds_back_the_trimming(here):
    made, history = Lively(), History(seconds=0, snapshot_s=0)
    async with made.write_to(here.url, history=history) as writer:
        async with here.recorder() as recorder:
            await until(lambda: all(one.marked for one in recorder._ones.values()) and recorder._ones)
            await made.run(10)
            await safe(recorder, made)
        await made.run(50)
        await writer.drained()
        async with here.recorder() as recorder:
            await safe(recorder, made)
            await made.run(1)
            await writer.drained()
            assert writer.statistics().trimmed > 0
            assert writer.statistics().unrecorded == 0
    with here.store() as store:
        assert await here.read(store) == made.book


async def test_beyond_the_limit_the_oldest_are_given_up_counted_and_told_as_a_gap(here, caplog):
    made, history = Lively(), History(seconds=0, snapshot_s=0, limit_bytes=3000)
    async with made.write_to(here.url, history=history) as writer:
        async with here.recorder() as recorder:
            await until(lambda: all(one.marked for one in recorder._ones.values()) and recorder._ones)
            await made.run(5)
            await safe(recorder, made)
        recorded_rows = len(made.book)
        for _ in range(60):
            await made.run(1)
            await writer.drained()
        assert writer.statistics().unrecorded > 0
        assert writer.statistics().limit_bytes == 3000
        async with here.recorder() as recorder, Follower(here.url) as gateway:
            await safe(recorder, made)
            await made.run(5)
            await safe(recorder, made)
            await until(lambda: recorder.statistics().unrecorded == writer.statistics().unrecorded)
            await until(lambda: gateway.statistics().unrecorded == writer.statistics().unrecorded)
            given_up = writer.statistics().unrecorded
            await until(lambda: 0 <= gateway.statistics().recorder_lag_s < 60)
            lost = recorder.statistics().rows_lost
        async with Redis.from_url(here.url) as client:
            assert await client.get(RECORDER) is None  # it has left
    assert "entries are given up that no recorder has yet" in caplog.text
    assert f"{given_up} entries were given up that no recorder had: the hot side's limit" in caplog.text
    assert lost > 0
    with here.store() as store:
        gaps = [one for symbol in made.market.symbols for one in store.manifest(symbol).gaps]
        assert lost == sum(
            one.after.position - one.before.position for one in gaps if one.reason == "entries are lost"
        )
        gap = store.manifest("BTC-USD").gaps[-1]
        assert gap.reason == "entries are lost"
        rows = await here.read(store)
        missing = made.book[gap.before.book : gap.after.book]
        assert rows == [row for row in made.book if row not in missing]
        assert gap.before.book == recorded_rows
        book = await asyncio.to_thread(store.book, "BTC-USD", at=(1, len(made.book)))
        assert (book.bids, book.asks) == made.books[len(made.book)]


async def test_what_a_recorder_has_is_trimmed_at_the_limit_without_being_counted_as_lost(here):
    made, history = Lively(), History(seconds=3600, snapshot_s=0, limit_bytes=300)
    async with made.write_to(here.url, history=history) as writer, here.recorder() as recorder:
        for _ in range(12):
            await made.run(1)
            await safe(recorder, made)
            await until(lambda: all(one.marked for one in recorder._ones.values()))
        told = writer.statistics()
        assert told.trimmed > 0
        assert told.unrecorded == recorder.statistics().rows_lost == 0
        assert told.held_bytes <= 300 * len(made.market.symbols)
    with here.store() as store:
        assert await here.read(store) == made.book


async def test_the_limit_holds_where_no_recorder_ever_was_and_nothing_counts_as_lost(here):
    made, history = Lively(), History(seconds=3600, snapshot_s=0, limit_bytes=3000)
    async with made.write_to(here.url, history=history) as writer, Redis.from_url(here.url) as client:
        for _ in range(60):
            await made.run(1)
            await writer.drained()
        entries = await client.xrange(steps_key("BTC-USD"))
        assert sum(len(fields[b"s"]) for _, fields in entries) <= 3000
        assert writer.statistics().unrecorded == 0
        assert await client.get(unrecorded_key("BTC-USD")) is None


async def test_a_new_epoch_is_recorded_from_its_first_row(here):
    first, second = Lively(), Lively(seed=2)
    async with here.recorder() as recorder:
        async with first.write_to(here.url):
            await first.run(20)
            await safe(recorder, first)
        async with second.write_to(here.url) as writer:
            second.epoch = second.market.epoch
            await second.run(40)
            await writer.drained()
            await safe(recorder, second)
    with here.store() as store:
        assert second.epoch == 2
        assert await here.read(store) == first.book + second.book
        assert [one.reason for one in store.manifest("BTC-USD").gaps] == ["start", "a new epoch"]


async def test_a_redis_that_is_killed_and_comes_back_costs_no_row(here):
    made = Lively()
    async with made.write_to(here.url) as writer, here.recorder() as recorder:
        for _ in range(2):
            await made.run(30)
            kill(here.server)
            await until(lambda: recorder.state == "away")
            await made.run(10)
            await asyncio.to_thread(here.server.start)
            await writer.drained()
            await safe(recorder, made)
        assert recorder.statistics().gone == 2
    with here.store() as store:
        assert await here.read(store) == made.book


async def test_a_disk_that_takes_nothing_blocks_the_recorder_until_it_does_and_costs_no_row(here, caplog):
    made = Lively()
    async with made.write_to(here.url) as writer, here.recorder() as recorder:
        await made.run(10)
        await safe(recorder, made)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))  # no file of this process may grow
        try:
            await made.run(10)
            await until(lambda: recorder.state == "blocked")
            await until(lambda: recorder.statistics().blocked > 2)
            async with asyncio.timeout(20), Redis.from_url(here.url) as client:
                while b'"blocked"' not in (await client.get(RECORDER) or b""):  # who looks after it sees it
                    await asyncio.sleep(0.01)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await made.run(10)
        await writer.drained()
        await safe(recorder, made)
        await until(lambda: recorder.state == "recording")
    assert "the recorder is blocked, entries wait in Redis" in caplog.text
    with here.store() as store:
        assert await here.read(store) == made.book


async def test_a_redis_without_memory_is_told_and_what_it_holds_is_recorded_all_the_same(here, caplog):
    made = Lively()
    async with (
        made.write_to(here.url) as writer,
        here.recorder() as recorder,
        Redis.from_url(here.url) as client,
    ):
        await made.run(5)
        await safe(recorder, made)
        recorder.limits = QUICK._replace(flush_s=1e9)
        await made.run(20)
        await writer.drained()
        whole = {one: made.market.state(one).position for one in made.market.symbols}
        await until(
            lambda: {one.symbol: one.taking.stand.position for one in recorder._ones.values()} == whole
        )
        before = await client.get(recorded_key("BTC-USD"))
        await client.config_set("maxmemory", 1)
        recorder.limits = QUICK
        try:
            async with asyncio.timeout(20):
                await recorder.reached(whole)
            await until(lambda: "is away: " in caplog.text and "maxmemory" in caplog.text)
            assert await client.get(recorded_key("BTC-USD")) == before
        finally:
            await client.config_set("maxmemory", 0)
        newest = await client.xrevrange(steps_key("BTC-USD"), count=1)
        assert newest[0][0] != before
        async with asyncio.timeout(20):
            while await client.get(recorded_key("BTC-USD")) != newest[0][0]:  # though nothing new came
                await asyncio.sleep(0.01)
    with here.store() as store:
        assert await here.read(store) == made.book


async def test_two_recorders_of_one_store_are_one_clear_error(here):
    made = Lively()
    async with made.write_to(here.url), here.recorder() as first:
        await made.run(5)
        await safe(first, made)
        async with here.recorder() as second:
            with pytest.raises(StoreError, match="another process records"):
                await asyncio.wait_for(second.wait(), 10)


async def test_lag_is_told_while_entries_wait_and_alarms(here, caplog):
    caplog.set_level(logging.WARNING, "rtlab.store")
    made = Lively()
    limits = RecorderLimits(flush_s=1e9, alarm_s=0.2)
    async with made.write_to(here.url) as writer, here.recorder(limits) as recorder:
        await made.run(5)
        await writer.drained()
        await until(lambda: recorder.statistics().lag_s > 0.2 and "behind (alarm from 0.2 s)" in caplog.text)
        whole = sum(made.market.state(one).position for one in made.market.symbols)
        assert 0 < recorder.statistics().lag_rows <= whole
        recorder.limits = QUICK
        await until(lambda: recorder.statistics().lag_s == 0)
        assert recorder.statistics().worst_lag_s > 0.2


async def test_the_mark_follows_what_is_safe(here):
    async with recorded(here, steps=10), Redis.from_url(here.url) as client:
        newest = await client.xrevrange(steps_key("BTC-USD"), count=1)
        assert await client.get(recorded_key("BTC-USD")) == newest[0][0]


async def test_it_waits_for_redis_and_for_an_engine(here):
    kill(here.server)
    made = Lively()
    async with here.recorder() as recorder:
        await until(lambda: recorder.state == "away")
        await asyncio.to_thread(here.server.start)
        async with made.write_to(here.url):
            await made.run(5)
            await until(lambda: recorder.state == "recording")
            await safe(recorder, made)
    with here.store() as store:
        assert plain(await asyncio.to_thread(store.read, "book", "BTC-USD")) == made.book
