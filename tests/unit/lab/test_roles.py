import asyncio
import resource

import msgspec
import numpy as np
import pytest
from support.store import store_server
from support.waiting import until

from rtlab.book import Market
from rtlab.client import LinkState, connect
from rtlab.config import Settings
from rtlab.engine.journal import commands_from, read_journal, verify_journal
from rtlab.errors import ConfigError, FencedError, JournalError
from rtlab.lab.journaled import Beside
from rtlab.lab.roles import serve_engine, serve_gateway, writer_of
from rtlab.lab.server import serve_simulated
from rtlab.model import COMMAND
from rtlab.sources.simulated import Simulated, demo_instruments


def test_a_writer_has_the_bounds_of_the_settings():
    made = Settings(hot_limit_bytes=70_000, history_bytes=5000, history_s=3.0, store_buffer_bytes=80_000)
    writer = writer_of(made, Market(demo_instruments(), 1), "unix:///nowhere")
    assert writer.statistics().limit_bytes == 70_000
    out = writer._out["BTC-USD"]
    assert (out._history.bytes, out._history.seconds, out.log.limits.buffer_bytes) == (5000, 3.0, 80_000)


class Role:
    """One role as a task; `told` is what it said when it was ready."""

    def __init__(self, serve, settings):
        self.ended, self.told = asyncio.Event(), []
        self.task = asyncio.create_task(serve(settings, on_ready=self.told.append, ended=self.ended))

    async def ready(self):
        await until(lambda: self.told or self.task.done(), 60)
        assert self.told or self.task.result() is None
        return self

    async def end(self):
        self.ended.set()
        await asyncio.wait_for(self.task, 20)


async def test_readers_of_a_gateway_that_ends_resume_on_the_other_at_the_same_port():
    with store_server() as server:
        settings = Settings(port=0, redis_url=server.url, rate=300, drain_s=0.2)
        engine = await Role(serve_engine, settings).ready()
        first = await Role(serve_gateway, settings).ready()
        shared = Settings(port=first.told[0].port, redis_url=server.url, drain_s=0.2)
        second = await Role(serve_gateway, shared).ready()
        async with connect(first.told[0].url) as client:
            book = await client.ready(client.subscribe("book", "BTC-USD"))
            tape = await client.ready(client.subscribe("trades", "BTC-USD"))
            here = first if first.told[0].statistics().readers else second
            other = second if here is first else first
            seq = book.view.seq
            await until(lambda: book.view.seq > seq)
            await here.end()
            await until(lambda: client.state is LinkState.LIVE and client.statistics().opened == 2)
            seq = book.view.seq
            await until(lambda: book.is_live and tape.is_live and book.view.seq > seq)
            assert (book.came_back, tape.came_back) == ("resumed", "resumed")
            assert (tape.view.dropped.seq, client.statistics().reader.gaps) == (0, 0)
            assert other.told[0].statistics().readers == 1
        await other.end()
        await engine.end()


async def test_an_engine_that_another_one_replaces_ends_with_that_reason():
    with store_server() as server:
        settings = Settings(port=0, redis_url=server.url, rate=2000)
        old = await Role(serve_engine, settings).ready()
        new = await Role(serve_engine, settings).ready()
        with pytest.raises(FencedError, match="another engine writes"):
            await asyncio.wait_for(old.task, 20)
        await new.end()


async def test_an_engine_with_a_journal_goes_on_with_its_market_in_its_epoch(tmp_path):
    with store_server() as server:
        folder = tmp_path / "journal"
        settings = Settings(port=0, redis_url=server.url, rate=2000, journal=str(folder))
        gateway = Role(serve_gateway, Settings(port=0, redis_url=server.url, drain_s=0.2))
        engine = await Role(serve_engine, settings).ready()
        await gateway.ready()
        async with connect(gateway.told[0].url) as client:
            book = await client.ready(client.subscribe("book", "BTC-USD"))
            epoch, seq = book.view.epoch, book.view.seq
            await until(lambda: book.view.seq > seq)
            await engine.end()
            before = verify_journal(folder).commands
            engine = await Role(serve_engine, settings).ready()
            seq = book.view.seq
            await until(lambda: book.view.seq > seq + 20)
            assert (book.view.epoch, client.statistics().reader.gaps) == (epoch, 0)
            await engine.end()
        await gateway.end()
    assert verify_journal(folder).commands > before
    rows = np.concatenate([rows for _, rows in commands_from(folder)])
    assert (np.diff(rows["ts"]) >= 0).all()
    start = int(rows["ts"][0])
    simulated = Simulated(demo_instruments(), rate=2000, seed=1, start=start).batch(len(rows))
    for name in COMMAND.names:
        if name != "ts":  # one market, as if it had not been away
            assert rows[name].tobytes() == simulated[name].tobytes(), name


async def test_an_engine_whose_streams_another_one_took_over_begins_a_new_epoch(tmp_path):
    with store_server() as server:
        settings = Settings(port=0, redis_url=server.url, rate=2000)
        journaled = Settings(port=0, redis_url=server.url, rate=2000, journal=str(tmp_path))
        await (await Role(serve_engine, journaled).ready()).end()
        first = epoch_of(tmp_path)
        await (await Role(serve_engine, settings).ready()).end()
        await (await Role(serve_engine, journaled).ready()).end()
        second = epoch_of(tmp_path)
        await (await Role(serve_engine, journaled).ready()).end()
        assert second > first
        assert epoch_of(tmp_path) == second


async def test_a_full_disk_ends_the_engine_with_its_error_and_the_next_goes_on(tmp_path):
    with store_server() as server:
        settings = Settings(port=0, redis_url=server.url, rate=2000, journal=str(tmp_path))
        engine = await Role(serve_engine, settings).ready()
        await until(lambda: verify_journal(tmp_path).commands)
        epoch, (soft, hard) = epoch_of(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
        segment = next(tmp_path.glob("*.segment"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 1000, hard))
        try:
            with pytest.raises(JournalError, match="File too large"):
                await asyncio.wait_for(engine.task, 20)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        before = verify_journal(tmp_path)
        assert (before.torn, before.commands > 0) == (None, True)
        await (await Role(serve_engine, settings).ready()).end()
        assert verify_journal(tmp_path).commands >= before.commands
        assert epoch_of(tmp_path) == epoch


def epoch_of(folder):
    """The epoch that a journal's next engine begins with, if nobody else wrote meanwhile."""
    newest = read_journal(folder).snapshot
    return msgspec.msgpack.decode(newest.beside, type=Beside).epoch


async def test_a_journal_is_for_an_engine_of_its_own(tmp_path):
    settings = Settings(port=0, journal=str(tmp_path / "journal"))
    with pytest.raises(ConfigError, match="expected rtlab serve --role engine"):
        await serve_simulated(settings, on_ready=lambda server: None, ended=asyncio.Event())
    assert not (tmp_path / "journal").exists()


async def test_a_gateway_needs_an_address_and_can_be_ended_while_it_waits():
    ended = asyncio.Event()
    with pytest.raises(ConfigError, match="expected --redis URL"):
        await serve_gateway(Settings(port=0), on_ready=lambda gateway: None, ended=ended)
    gateway = Role(serve_gateway, Settings(port=0, redis_url="unix:///nowhere/at/all.sock"))
    await asyncio.sleep(0)
    await gateway.end()
    assert gateway.told == []


@pytest.mark.parametrize(("serve", "role"), [(serve_engine, "engine"), (serve_gateway, "gateway")])
async def test_a_role_that_is_one_of_many_has_no_relay(serve, role):
    with pytest.raises(ConfigError, match=f"without --role.*--role {role} with messages lab.example"):
        await serve(Settings(messages="lab.example"), on_ready=print, ended=asyncio.Event())
