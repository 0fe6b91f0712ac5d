import asyncio

import pytest
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from rtlab.errors import ConfigError
from rtlab.store.connection import Away, Gone, Stalled, backoff_s, connect, is_conflict, stop


def test_gone_and_stalled_are_told_apart_and_both_are_away():
    assert issubclass(TimeoutError, Stalled)
    assert not issubclass(TimeoutError, Gone[0])
    assert isinstance(ConnectionError(), Gone)
    assert isinstance(TimeoutError(), Away)
    assert isinstance(ResponseError("OOM command not allowed"), Away)


def test_only_an_older_id_is_a_conflict():
    assert is_conflict(ResponseError("The ID specified in XADD is equal or smaller than the target"))
    assert not is_conflict(ResponseError("OOM command not allowed"))
    assert not is_conflict(7)


def test_tries_come_ever_slower_up_to_a_second():
    waits = [backoff_s(n) for n in range(1, 30)]
    assert waits == sorted(waits)
    assert waits[0] < 0.1
    assert waits[-1] == 1.0


def test_an_address_of_another_kind_is_a_clear_error():
    with pytest.raises(ConfigError, match="expected redis://host:port"):
        connect("http://x")


async def test_nobody_there_is_gone_at_the_first_try():
    client = connect("unix:///nowhere/at/all.sock")
    with pytest.raises(Gone):
        await client.ping()
    await client.aclose()


async def test_a_task_that_loses_a_cancellation_is_stopped_all_the_same():
    async def deaf() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await asyncio.wait_for(stop(task), 5)
    assert task.cancelled()
