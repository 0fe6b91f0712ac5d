import asyncio
import os
import signal

import pytest
from redis.asyncio import Redis
from support.command_flow import INSTRUMENTS, Flow
from support.store import cut_log, kill, store_server
from support.waiting import until

from rtlab.book import Market, load_state, pack_state
from rtlab.engine import Engine
from rtlab.errors import FencedError, UnreachableError
from rtlab.store import History, LogLimits, Writer
from rtlab.store.entry import unpack_entry
from rtlab.store.keys import steps_key


class Made:
    """Engine and market of the stream `seed`; `step` makes the next batch."""

    def __init__(self, epoch=1, seed=1):
        self.engine, self.market, self.flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch), Flow(seed)

    def step(self, count=20):
        self.market.apply(self.engine.process(self.flow.take(count)))


@pytest.fixture(scope="module")
def module_server():
    with store_server() as running:
        yield running


@pytest.fixture
async def server(module_server):
    async with Redis.from_url(module_server.url) as client:
        await client.flushall()
    return module_server


async def written(writer: Writer) -> None:
    await until(lambda: writer.state == "writing" and writer.statistics().waiting == 0)


async def entries_of(url: str, symbol: str = "BTC-USD"):
    async with Redis.from_url(url) as client:
        return [(i.decode(), unpack_entry(f[b"s"])) for i, f in await client.xrange(steps_key(symbol))]


async def test_every_change_is_in_the_stream_once_and_in_order(server):
    made = Made()
    async with Writer(made.market, server.url) as writer:
        for _ in range(50):
            made.step()
            await asyncio.sleep(0)
        await written(writer)
    entries = await entries_of(server.url)
    position = 0
    for entry_id, entry in entries:
        assert entry.before == position
        position += sum(step.changes for step in entry.steps)
        assert entry_id == f"1-{position}"
    assert position == made.market.state("BTC-USD").position > 0


async def test_closing_writes_what_waits(server):
    made = Made()
    async with Writer(made.market, server.url):
        made.step()
    assert (await entries_of(server.url))[-1][0] == f"1-{made.market.state('BTC-USD').position}"


async def test_nobody_there_at_the_start_is_one_clear_error():
    with pytest.raises(UnreachableError, match=r"Redis at unix:///nowhere/at/all\.sock does not answer"):
        async with Writer(Made().market, "unix:///nowhere/at/all.sock"):
            pass


async def test_a_later_engine_takes_a_new_epoch_and_the_older_one_is_told_and_stops(server):
    old, new = Made(), Made()
    async with Writer(old.market, server.url) as older:
        old.step()
        await written(older)
        async with Writer(new.market, server.url) as newer:
            assert new.market.epoch == 2
            assert new.market.source("trades", "BTC-USD").epoch == 2
            old.step()
            with pytest.raises(FencedError, match="another engine writes"):
                await asyncio.wait_for(older.wait(), 5)
            assert older.statistics().state == "fenced"
            new.step()
            await written(newer)
    ids = [entry_id for entry_id, _ in await entries_of(server.url)]
    assert [i.partition("-")[0] for i in ids] == ["1"] * ids.index("2-0") + ["2"] * (
        len(ids) - ids.index("2-0")
    )


class Saved:
    """What a journal would hold: the engine, the market and its chains at one moment, and the commands from there."""

    def __init__(self, made: Made, writer: Writer) -> None:
        self.states = {symbol: pack_state(made.market.state(symbol)) for symbol in made.market.symbols}
        self.engine, self.given, self.chains = made.engine.snapshot(), made.flow.given, writer.chains()

    def recover(self, url: str) -> tuple[Made, Writer]:
        made = Made()
        made.engine, made.flow.given = Engine.restore(self.engine), self.given
        for symbol, state in self.states.items():
            load_state(made.market.state(symbol), state)
        return made, Writer(made.market, url, chains=self.chains)


async def killed_after(url: str, steps: int) -> tuple[Made, Saved]:
    made = Made()
    async with Writer(made.market, url) as writer:
        for _ in range(10):
            made.step()
        saved = Saved(made, writer)
        for _ in range(steps):
            made.step()
        await written(writer)
    return made, saved


@pytest.mark.parametrize("beyond", [0, 3])
async def test_a_market_recovered_to_the_last_step_or_beyond_keeps_its_epoch(server, beyond):
    made, saved = await killed_after(server.url, 10)
    recovered, writer = saved.recover(server.url)
    for _ in range(10 + beyond):  # beyond: in the journal, but never published
        recovered.step()
    async with writer:
        assert recovered.market.epoch == 1
        recovered.step()
        await written(writer)
        assert writer.statistics().jumps == 0
    for _ in range(beyond + 1):
        made.step()
    positions = [int(i.partition("-")[2]) for i, _ in await entries_of(server.url)]
    assert positions == sorted(set(positions))
    assert positions[-1] == made.market.state("BTC-USD").position
    for symbol in made.market.symbols:
        assert pack_state(recovered.market.state(symbol)) == pack_state(made.market.state(symbol))


@pytest.mark.parametrize("what", ["a lost tail", "another history"])
async def test_a_market_that_cannot_prove_what_it_continues_takes_a_new_epoch(server, what):
    _, saved = await killed_after(server.url, 10)
    recovered, writer = saved.recover(server.url)
    if what == "a lost tail":
        recovered.step()
    else:
        recovered.flow = Flow(99)
        recovered.flow.given = saved.given
        for _ in range(20):
            recovered.step()
    async with writer:
        assert recovered.market.epoch == 2
        assert writer.statistics().jumps == len(INSTRUMENTS)


async def test_a_stalled_redis_is_told_from_one_that_is_gone_and_nothing_is_written_twice(server):
    made = Made()
    async with Writer(made.market, server.url) as writer:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            made.step()
            await until(lambda: writer.state == "away", 5)
            for _ in range(5):
                made.step()
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await written(writer)
        statistics = writer.statistics()
        assert (statistics.stalled, statistics.gone, statistics.jumps) == (1, 0, 2)
    entries = await entries_of(server.url)
    assert sum(step.changes for _, e in entries for step in e.steps) == made.market.state("BTC-USD").position


async def test_what_waits_too_long_is_replaced_by_the_state_and_counted(server):
    made = Made()
    async with Writer(made.market, server.url, limits=LogLimits(buffer_bytes=20_000)) as writer:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for _ in range(100):
                made.step()
                assert writer.statistics().log_bytes <= 40_000  # two instruments
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await written(writer)
        made.step()
        await written(writer)
        statistics = writer.statistics()
        assert statistics.given_up >= 100
        assert statistics.jumps == 4
    entry_id, last = (await entries_of(server.url))[-1]
    assert entry_id == f"1-{made.market.state('BTC-USD').position}"
    assert last.steps


async def test_a_restarted_redis_that_lost_its_last_entries_gets_them_again():
    with store_server() as server:
        made = Made()
        async with Writer(made.market, server.url) as writer:
            for _ in range(30):
                made.step()
                await asyncio.sleep(0.002)
            await written(writer)
            kill(server)
            cut_log(server, 3000)
            await asyncio.to_thread(server.start)
            made.step()
            await written(writer)
            statistics = writer.statistics()
            assert statistics.lost >= 1
            assert statistics.rewritten >= 1
            assert statistics.jumps == 2
        entries = await entries_of(server.url)
        assert (
            sum(step.changes for _, e in entries for step in e.steps) == made.market.state("BTC-USD").position
        )


async def test_streams_are_trimmed_up_to_the_state_by_their_bytes(server):
    made = Made()
    history = History(bytes=2000, snapshot_s=0.0)
    async with Writer(made.market, server.url, history=history) as writer:
        for _ in range(60):
            made.step()
            await written(writer)
        assert writer.statistics().trimmed > 0
    assert sum(len(e.steps) for _, e in await entries_of(server.url)) < 40


async def test_a_redis_that_takes_nothing_is_away_until_it_does(server):
    made = Made()
    async with Writer(made.market, server.url) as writer, Redis.from_url(server.url) as client:
        await client.config_set("maxmemory", 1)
        try:
            made.step()
            await until(lambda: writer.state == "away", 5)
        finally:
            await client.config_set("maxmemory", 0)
        await written(writer)
        assert writer.statistics().gone == 1
