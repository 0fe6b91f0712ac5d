import asyncio

import pytest
from support.store import store_server
from support.waiting import until

from rtlab.client import LinkState, connect
from rtlab.config import Settings
from rtlab.errors import ConfigError, FencedError
from rtlab.lab.roles import redis_of, serve_engine, serve_gateway


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


async def test_a_gateway_needs_an_address_and_can_be_ended_while_it_waits():
    ended = asyncio.Event()
    with pytest.raises(ConfigError, match="expected --redis URL"):
        await serve_gateway(Settings(port=0), on_ready=lambda gateway: None, ended=ended)
    gateway = Role(serve_gateway, Settings(port=0, redis_url="unix:///nowhere/at/all.sock"))
    await asyncio.sleep(0)
    await gateway.end()
    assert gateway.told == []


async def test_a_redis_of_our_own_lives_as_long_as_it_is_needed():
    with store_server() as server:  # skips where there is none
        async with redis_of(Settings(redis_url=server.url)) as url:
            assert url == server.url
    async with redis_of(Settings()) as url:
        assert url.startswith("unix://")
