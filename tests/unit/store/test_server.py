import asyncio
import re

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, ConnectionError
from support.recording import Lively, Room, safe
from support.spoiled import spoiled
from support.store import store_server
from support.waiting import until

from rtlab.errors import ConfigError, StoreError, UnreachableError
from rtlab.store import BlockingHotReader, Follower, HotReader, Store
from rtlab.store.server import look_at, no_answer

SECRET = "not to be told"


@pytest.fixture(scope="module")
def here():
    with store_server() as server:
        yield Room(server)


@pytest.fixture
async def asked(here):
    async with Redis.from_url(here.url) as client:
        yield client


@pytest.fixture
async def closed(here, asked):
    """A server that wants a password."""
    await asked.config_set("requirepass", SECRET)
    yield here.url
    await asked.config_set("requirepass", "")


@pytest.fixture
async def old(here):
    """The same server, saying that it is an old one."""
    name = here.folder / "old.sock"
    change = lambda piece: re.sub(rb"redis_version:\d", b"redis_version:5", piece)  # noqa: E731
    async with spoiled(here.server.folder / "server.sock", name, change) as url:
        yield url


async def test_a_server_as_ours_is_taken_without_a_word(asked, here, caplog):
    told = await look_at(asked, here.url)
    assert told == (await asked.info("server"))["run_id"]
    assert caplog.text == ""


async def test_a_server_that_may_lose_what_it_holds_is_told(asked, here, caplog):
    await asked.config_set("maxmemory-policy", "allkeys-lru")
    await asked.config_set("maxmemory", "1gb")
    await asked.config_set("appendonly", "no")
    try:
        await look_at(asked, here.url)
    finally:
        await asked.config_set("appendonly", "yes")
        await asked.config_set("maxmemory", "0")
        await asked.config_set("maxmemory-policy", "noeviction")
    assert "keeps nothing on its disk (appendonly no)" in caplog.text
    assert "(maxmemory-policy allkeys-lru)" in caplog.text


async def test_one_that_may_not_be_asked_is_taken_as_it_is_and_told(asked, here, caplog):
    await asked.execute_command("ACL", "SETUSER", "writer", "on", f">{SECRET}", "~*", "+@all", "-info")
    async with Redis.from_url(here.url, username="writer", password=SECRET) as client:
        assert await look_at(client, here.url) == ""
    assert "may not be asked what it is" in caplog.text


async def test_writer_recorder_and_gateway_refuse_one_that_is_too_old(here, old):
    told = "too old for a store: expected 6.2 or newer, got 5"
    with pytest.raises(StoreError, match=told):
        await Lively().write_to(old).__aenter__()
    async with here.recorder(url=old) as recorder:
        with pytest.raises(StoreError, match=told):
            await asyncio.wait_for(recorder.wait(), 10)
    with pytest.raises(StoreError, match=told):
        await Follower(old).__aenter__()


async def test_a_wrong_password_is_told_at_once_by_everyone_and_no_password_is_shown(here, closed):
    wrong = closed.replace("unix://", "unix://:a-secret-too@")
    for url, word in ((closed, "Authentication required"), (wrong, "(invalid|WRONGPASS)")):
        told = pytest.raises(ConfigError, match=f"lets nobody in like this: .*{word}")
        with told as writer:
            await Lively().write_to(url).__aenter__()
        async with here.recorder(url=url) as recorder:
            with told:
                await asyncio.wait_for(recorder.wait(), 10)
        with told:
            await Follower(url).__aenter__()
        async with HotReader(url) as hot:
            with told:
                await hot.book("BTC-USD")
        with BlockingHotReader(url) as script, told:
            await asyncio.to_thread(script.book, "BTC-USD")
        with Store(here.folder, redis_url=url) as store, told:
            await asyncio.to_thread(store.read, "book", "BTC-USD")
        assert "secret" not in str(writer.value)


async def test_a_password_that_is_changed_later_is_waited_for_and_costs_no_row(here, asked, caplog):
    made = Lively()
    async with made.write_to(here.url) as writer, here.recorder() as recorder:
        await made.run(5)
        await safe(recorder, made)
        await asked.config_set("requirepass", SECRET)
        await asked.client_kill_filter(skipme=True, _type="normal")
        await made.run(5)
        for what in ("what is recorded stays safe", "steps wait"):
            await until(lambda what=what: f"Authentication required.; {what}" in caplog.text)
        assert (recorder.statistics().gone, writer.statistics().gone) == (1, 1)
        await asked.config_set("requirepass", "")
        await writer.drained()
        await safe(recorder, made)
    with here.store() as store:
        assert await here.read(store) == made.book


def test_who_is_not_let_in_is_told_apart_from_who_finds_nobody():
    url = f"redis://me:{SECRET}@host:1/0"
    refused = no_answer(url, AuthenticationError("WRONGPASS"))
    assert isinstance(refused, ConfigError)
    assert str(refused).startswith(
        "the Redis at redis://host:1/0 lets nobody in like this: WRONGPASS: expected its"
    )
    gone = no_answer(url, ConnectionError("nobody there"))
    assert isinstance(gone, UnreachableError)
    assert str(gone) == "Redis at redis://host:1/0 does not answer: nobody there"
