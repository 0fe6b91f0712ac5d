import asyncio
import logging
import threading

import pytest
from support.waiting import until

from rtlab.pipelines.loop import OwnersLoop, running_loop


async def forever() -> None:
    await asyncio.Event().wait()


def test_no_loop_runs_outside_of_one():
    assert running_loop() is None


async def test_the_running_loop_is_found():
    assert running_loop() is asyncio.get_running_loop()


def test_binding_without_a_running_loop_fails_and_makes_none():
    with pytest.raises(RuntimeError):
        OwnersLoop().bind()


async def test_callbacks_wait_until_the_loop_is_known_and_come_in_order():
    loop, called = OwnersLoop(), []
    loop.add_callback(called.append, 1)
    loop.add_callback(called.append, 2)
    await asyncio.sleep(0)
    assert called == []
    loop.bind()
    loop.add_callback(called.append, 3)
    await until(lambda: len(called) == 3)
    assert called == [1, 2, 3]


async def test_callbacks_come_in_the_thread_of_the_loop():
    loop, seen = OwnersLoop(), []
    loop.bind()
    thread = threading.Thread(target=lambda: loop.add_callback(lambda: seen.append(threading.get_ident())))
    thread.start()
    await until(lambda: bool(seen))
    thread.join()
    assert seen == [threading.get_ident()]


async def test_after_close_callbacks_are_dropped():
    loop, called = OwnersLoop(), []
    loop.add_callback(called.append, 1)
    loop.close()
    loop.add_callback(called.append, 2)
    loop.bind()
    await asyncio.sleep(0.01)
    assert called == []


async def test_closing_cancels_every_task_and_waits_for_it():
    loop = OwnersLoop()
    tasks = [loop.create_task(forever()) for _ in range(3)]
    await asyncio.sleep(0)
    loop.close()
    await loop.wait_closed()
    assert all(task.cancelled() for task in tasks)
    assert not loop.tasks


async def test_a_task_that_closes_the_graph_does_not_wait_for_itself():
    loop, ended = OwnersLoop(), []

    async def closes() -> None:
        await loop.wait_closed()
        ended.append(True)

    loop.create_task(closes())
    await until(lambda: bool(ended))


async def test_a_task_that_ends_is_forgotten():
    loop = OwnersLoop()
    await loop.create_task(asyncio.sleep(0))
    await until(lambda: not loop.tasks)


async def test_a_task_that_fails_is_logged(caplog):
    async def fails() -> None:
        raise ValueError("broken")

    loop = OwnersLoop()
    with caplog.at_level(logging.ERROR):
        loop.run(fails())
        await until(lambda: bool(caplog.records))
    assert "broken" in caplog.text


async def test_work_that_ends_well_or_is_cancelled_is_not_logged(caplog):
    loop = OwnersLoop()
    loop.run(forever())
    await loop.run(asyncio.sleep(0))
    loop.close()
    await loop.wait_closed()
    assert caplog.records == []


def test_a_task_without_a_loop_is_refused_and_leaves_no_coroutine_behind():
    with pytest.raises(RuntimeError, match="running event loop"):
        OwnersLoop().create_task(forever())


def test_streamz_makes_its_tasks_on_it():
    loop = OwnersLoop()
    assert loop.asyncio_loop is loop
