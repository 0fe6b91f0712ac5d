import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, TimeoutError
from support.store import kill, store_server

from rtlab.errors import ConfigError
from rtlab.store.asking import Asking


@pytest.fixture(scope="module")
def server():
    with store_server() as running:
        yield running


@pytest.fixture
async def asking(server):
    async with Redis.from_url(server.url) as client:
        await client.mset({f"key {number}": f"value {number}" for number in range(100)})
    one = Asking(server.url)
    yield one
    await one.close()


def named(numbers):
    return [f"key {number}" for number in numbers]


def valued(numbers):
    return [f"value {number}".encode() for number in numbers]


async def who_asks(url):
    """Give the connections that are used for keys."""
    async with Redis.from_url(url) as client:
        return [one for one in await client.client_list() if one["cmd"] == "get"]


async def test_each_is_told_what_it_asked_for_however_many_ask_at_once(server, asking):
    questions = [range(first, first + 1 + first % 7) for first in range(90)]
    told = await asyncio.gather(*(asking.values(named(numbers)) for numbers in questions))
    assert told == [valued(numbers) for numbers in questions]
    async with asyncio.timeout(20):
        while len(await who_asks(server.url)) != 1:  # those of others before may not have gone yet
            await asyncio.sleep(0.01)


async def test_nothing_there_is_none(asking):
    assert await asking.values(["nowhere", "key 1"]) == [None, b"value 1"]
    assert await asking.values([]) == []


async def test_who_gives_up_costs_the_next_no_answer(asking):
    await asking.values(named([0]))
    for turns in range(30):
        task = asyncio.create_task(asking.values(named(range(50, 60))))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        assert await asking.values(named([turns])) == valued([turns])
        await asyncio.wait([task])


async def test_a_connection_that_was_lost_meanwhile_is_made_anew_without_a_word(server, asking):
    assert await asking.values(named([1])) == valued([1])
    for _ in range(2):
        async with Redis.from_url(server.url) as client:
            await client.client_kill_filter(skipme=True, _type="normal")
        assert await asking.values(named([2])) == valued([2])


async def test_a_server_that_is_gone_is_told_and_asked_again_when_it_is_back(server, asking):
    assert await asking.values(named([1])) == valued([1])
    await asyncio.to_thread(kill, server)
    with pytest.raises((ConnectionError, OSError)):
        await asking.values(named([1]))
    await asyncio.to_thread(server.start)
    assert len(await asking.values(named([1]))) == 1


async def test_an_answer_that_comes_too_late_is_no_other_question_s(server, asking):
    await asking.values(named([1]))
    async with Redis.from_url(server.url) as client:
        await client.client_pause(1300, all=True)
        with pytest.raises(TimeoutError):
            await asking.values(named([1]))
    while True:
        try:
            told = await asking.values(named([2]))
        except TimeoutError:
            continue
        break
    assert told == valued([2])


def test_an_address_of_another_kind_is_a_clear_error():
    with pytest.raises(ConfigError, match="expected redis://host:port"):
        Asking("http://x")
