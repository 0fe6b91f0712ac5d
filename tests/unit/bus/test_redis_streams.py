import logging

import pytest
from support.bus_events import counted_events
from support.bus_fixtures import opened, transport_at

from rtlab.bus.event import pack
from rtlab.embedded import EmbeddedServer
from rtlab.errors import BusError, UnreachableError


async def test_a_server_that_may_lose_what_it_confirmed_is_named(caplog, logger, redis_url):
    logger.propagate = True
    with EmbeddedServer() as server, caplog.at_level(logging.WARNING):
        async with opened(transport_at(server.url)):
            assert "appendfsync always" in caplog.text
    caplog.clear()
    async with opened(transport_at(redis_url)):
        assert caplog.text == ""


async def test_a_server_that_is_too_old_is_told_by_its_version(redis_url, monkeypatch):
    monkeypatch.setattr("rtlab.server_info.OLDEST", (99, 0))
    with pytest.raises(BusError, match=r"is too old for the bus: expected 7\.0 or newer, or Valkey, got \d"):
        await transport_at(redis_url).open()


async def test_a_server_without_memory_refuses_events_but_takes_commits_and_goes_on(redis_url, new_topic):
    topic = new_topic(shards=1)
    async with opened(transport_at(redis_url)) as transport:
        held: list = []
        member = await transport.join(topic, "main", held.append, 100)
        await transport.append(topic, 0, pack(counted_events(topic, 1, 1)))
        await transport._redis.config_set("maxmemory", "1mb")
        try:
            with pytest.raises(UnreachableError, match="maxmemory"):
                await transport.append(topic, 0, pack(counted_events(topic, 1, 1)))
            (taken,) = await held[0].read()
            await held[0].commit(taken.position, 1)
        finally:
            await transport._redis.config_set("maxmemory", "0")
        assert await transport.append(topic, 0, pack(counted_events(topic, 1, 1)))
        await held[0].release()
        await member.leave()
