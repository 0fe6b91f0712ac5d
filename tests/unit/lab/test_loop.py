import asyncio
import threading

import pytest

from rtlab.errors import ClosedError
from rtlab.lab.loop import LabLoop, runs_here


@pytest.fixture
def loop():
    loop = LabLoop()
    yield loop
    loop.close()


async def _name():
    return threading.current_thread().name


def test_it_runs_in_a_thread_of_its_own(loop):
    assert loop.wait(_name(), 5) == "rtlab-lab"
    assert loop.call(lambda: threading.current_thread().name) == "rtlab-lab"


def test_close_twice_is_harmless_and_leaves_no_thread(loop):
    loop.close()
    loop.close()
    assert loop.loop.is_closed()
    assert "rtlab-lab" not in [thread.name for thread in threading.enumerate()]


def test_two_loops_do_not_share_a_thread(loop):
    other = LabLoop()
    assert other.call(threading.get_ident) != loop.call(threading.get_ident)
    other.close()


async def test_it_is_awaited_from_another_loop_which_goes_on_meanwhile(loop):
    turns = 0

    async def slow():
        await asyncio.sleep(0.05)
        return 7

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    assert await loop.awaitable(slow()) == 7
    counting.cancel()
    assert turns > 3


async def test_it_goes_on_while_the_callers_thread_is_busy(loop):
    done = threading.Event()

    async def work():
        for _ in range(5):
            await asyncio.sleep(0.001)
        done.set()

    loop.start(work())
    assert done.wait(5)  # blocks this loop, as a long cell does


def test_call_hands_back_errors(loop):
    with pytest.raises(ZeroDivisionError):
        loop.call(lambda: 1 // 0)


def test_call_from_the_loops_own_thread_runs_at_once(loop):
    async def inner():
        return loop.call(lambda: 7)

    assert loop.wait(inner(), 5) == 7


def test_waiting_in_the_loops_own_thread_is_refused_with_the_way_out(loop):
    async def inner():
        loop.wait(_name())

    with pytest.raises(ClosedError, match="expected await"):
        loop.wait(inner(), 5)


def test_after_close_it_says_that_the_lab_is_closed(loop):
    loop.close()
    with pytest.raises(ClosedError, match="this lab is closed"):
        loop.wait(_name())
    with pytest.raises(ClosedError):
        loop.call(int)


async def test_it_is_known_where_a_loop_runs():
    assert runs_here()
    assert not await asyncio.to_thread(runs_here)
