import asyncio
import os
import signal

import pytest
from redis.asyncio import Redis
from support.command_flow import INSTRUMENTS, Flow
from support.store import kill, store_server
from support.waiting import until

from rtlab.book import Market, pack_state
from rtlab.engine import Engine
from rtlab.errors import StoreError
from rtlab.model import Instrument
from rtlab.store import Follower, History, Writer
from rtlab.store.keys import ENGINE, state_key, steps_key
from rtlab.store.keys import INSTRUMENTS as INSTRUMENTS_KEY


class Made:
    def __init__(self, epoch=1, seed=1):
        self.engine, self.market, self.flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch), Flow(seed)

    def step(self, count=20):
        self.market.apply(self.engine.process(self.flow.take(count)))

    async def play(self, steps=20):
        for _ in range(steps):
            self.step()
            await asyncio.sleep(0.001)


@pytest.fixture(scope="module")
def module_server():
    with store_server() as running:
        yield running


@pytest.fixture
async def server(module_server):
    async with Redis.from_url(module_server.url) as client:
        await client.flushall()
    return module_server


async def equal(follower: Follower, made: Made, deadline_s: float = 10.0) -> None:
    """Wait until the follower stands where the engine's market does, and hold the two against each other."""
    symbols = made.market.symbols
    await until(
        lambda: all(
            (follower.market.book(s).epoch, follower.market.state(s).position)
            == (made.market.epoch, made.market.state(s).position)
            for s in symbols
        ),
        deadline_s,
    )
    for symbol in symbols:
        assert pack_state(follower.market.state(symbol)) == pack_state(made.market.state(symbol))


async def test_it_waits_for_an_engine_then_stands_wherever_the_engines_market_stands(server):
    made = Made()
    entering = asyncio.create_task(Follower(server.url).__aenter__())
    await asyncio.sleep(0)
    assert not entering.done()
    async with Writer(made.market, server.url):
        follower = await asyncio.wait_for(entering, 10)
        await made.play()
        await equal(follower, made)
        assert follower.statistics().state == "following"
    await follower.close()


async def test_one_that_comes_late_loads_the_state_and_reads_on(server):
    made = Made()
    async with Writer(made.market, server.url):
        await made.play()
        async with Follower(server.url) as follower:
            await made.play()
            await equal(follower, made)
            assert follower.statistics().gaps == 0


async def test_news_are_told_after_every_move(server):
    made, heads = Made(), []
    async with Writer(made.market, server.url), Follower(server.url) as follower:
        follower.on_news = lambda: heads.append(follower.market.state("BTC-USD").position)
        await made.play()
        await equal(follower, made)
    assert heads == sorted(heads)
    assert heads[-1] == made.market.state("BTC-USD").position


async def test_a_new_epoch_is_loaded_in_place_and_counted(server):
    first, second = Made(), Made(seed=2)
    async with Writer(first.market, server.url), Follower(server.url) as follower:
        book = follower.market.book("BTC-USD")
        await first.play()
        await equal(follower, first)
        async with Writer(second.market, server.url):
            await second.play()
            await equal(follower, second)
        assert follower.market.book("BTC-USD") is book
        assert (book.epoch, follower.market.epoch) == (2, 2)
        assert follower.statistics().epochs == len(INSTRUMENTS)


async def test_a_trimmed_stream_is_a_gap_and_brings_the_next_state(server):
    made = Made()
    history = History(snapshot_s=0.3)
    async with (
        Writer(made.market, server.url, history=history) as writer,
        Redis.from_url(server.url) as client,
    ):
        keys = [state_key(symbol) for symbol in made.market.symbols]
        old = [await client.get(key) for key in keys]
        await made.play(50)
        await until(lambda: writer.statistics().waiting == 0)
        for symbol, key, state in zip(made.market.symbols, keys, old, strict=True):
            await client.xtrim(steps_key(symbol), maxlen=2, approximate=False)
            await client.set(key, state)
        async with Follower(server.url) as follower:
            await until(lambda: follower.statistics().gaps == len(keys))
            await asyncio.sleep(0.3)
            await made.play(5)
            await equal(follower, made)
            assert follower.statistics().contradictions == 0


async def test_a_stalled_redis_and_one_that_is_gone_are_told_apart_and_both_survived():
    with store_server() as server:
        made = Made()
        async with Writer(made.market, server.url), Follower(server.url) as follower:
            await made.play()
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await until(lambda: follower.state == "away", 10)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            await made.play()
            await equal(follower, made)
            statistics = follower.statistics()
            assert (statistics.stalled, statistics.gone, statistics.restarted) == (1, 0, 0)
            kill(server)
            await until(lambda: follower.state == "away", 10)
            await asyncio.to_thread(server.start)
            await made.play()
            await equal(follower, made)
            statistics = follower.statistics()
            assert (statistics.stalled, statistics.gone, statistics.restarted) == (1, 1, 1)
            assert statistics.contradictions == 0


async def test_what_is_not_of_rtlab_ends_it_with_a_clear_error(server):
    async with Redis.from_url(server.url) as client:
        await client.set(INSTRUMENTS_KEY, b"\xc1")
        with pytest.raises(StoreError, match="not those of rtlab"):
            async with Follower(server.url):
                pass


async def test_an_engine_of_other_instruments_ends_it(server):
    made = Made()
    more = Market([*INSTRUMENTS, Instrument("SOL-USD", "0.01", "0.01")], 1)
    async with Writer(made.market, server.url), Follower(server.url) as follower:
        await equal(follower, made)
        async with Writer(more, server.url):
            with pytest.raises(StoreError, match="other instruments now"):
                await asyncio.wait_for(follower.wait(), 10)


async def test_an_engine_whose_market_rests_is_heard_of_and_one_that_ended_is_not(server):
    made = Made()
    async with Writer(made.market, server.url):
        await made.play()
        async with Follower(server.url) as follower:
            await equal(follower, made)
            await until(lambda: follower.statistics().silent_s > 2.5)  # nothing moves
            for _ in range(3):  # heard of anew each time, while nothing comes
                await until(lambda: follower.engine_silent_s() < 0.4)
                await until(lambda: follower.engine_silent_s() > 0.1)
            told = follower.statistics()
            assert told.engine_silent_s < told.silent_s - 1.0
    async with Follower(server.url) as follower:
        await until(lambda: follower.engine_silent_s() > 1.5, 5)
        async with Writer(made.market, server.url):
            await until(lambda: follower.engine_silent_s() < 1.2, 5)


async def test_of_an_engine_that_never_beat_nothing_is_said(server):
    """One of an older version: only Redis itself is heard of."""
    made = Made()
    async with Writer(made.market, server.url):
        await made.play()
    async with Redis.from_url(server.url) as client:
        await client.delete(ENGINE)
    async with Follower(server.url) as follower:
        await until(lambda: follower.statistics().silent_s > 2.5)
        await until(lambda: follower.engine_silent_s() < 1.0)


async def test_what_a_missing_redis_means_for_readers_is_said(caplog, tmp_path):
    entering = asyncio.create_task(Follower(f"unix://{tmp_path}/none.sock").__aenter__())
    await until(lambda: "is away" in caplog.text)
    assert "nothing is served yet" in caplog.text
    entering.cancel()
    await asyncio.wait([entering])
    with store_server() as running:
        made = Made()
        async with Writer(made.market, running.url):
            await made.play()
            async with Follower(running.url):
                kill(running)
                await until(lambda: "readers get what is here" in caplog.text)
