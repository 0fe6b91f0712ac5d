import asyncio
import threading

import pytest

from rtlab.errors import ClosedError
from rtlab.lab.loop import LabLoop


async def _name():
    return threading.current_thread().name


def test_without_a_running_loop_it_has_a_thread_of_its_own():
    loop = LabLoop()
    assert loop.blocking
    assert loop.wait(_name(), 5) == "rtlab-lab"
    loop.close()
    assert loop.loop.is_closed()


def test_close_twice_is_harmless_and_leaves_no_thread():
    loop = LabLoop()
    loop.close()
    loop.close()
    assert "rtlab-lab" not in [t.name for t in threading.enumerate()]


async def test_inside_a_running_loop_it_uses_that_one_and_starts_no_thread():
    loop = LabLoop()
    assert loop.loop is asyncio.get_running_loop()
    assert not loop.blocking
    assert loop.call(lambda: threading.current_thread().name) == "MainThread"
    loop.close()
    assert not loop.loop.is_closed()


async def test_waiting_inside_the_loop_is_refused_with_the_way_out():
    with pytest.raises(ClosedError, match="await, or async with"):
        LabLoop().wait(_name())


def test_call_runs_on_the_loop_thread_and_hands_back_errors():
    loop = LabLoop()
    assert loop.call(lambda: threading.current_thread().name) == "rtlab-lab"
    with pytest.raises(ZeroDivisionError):
        loop.call(lambda: 1 // 0)
    loop.close()


def test_call_from_the_loop_thread_runs_at_once():
    loop = LabLoop()

    async def inner():
        return loop.call(lambda: 7)

    assert loop.wait(inner(), 5) == 7
    loop.close()
