import asyncio
import threading

import pytest

from rtlab.bus.threads import Threads
from rtlab.errors import BusError


async def test_a_call_gives_what_the_function_gives_and_raises_what_it_raises():
    threads: Threads[int, float] = Threads()
    assert await threads.call(lambda n: n / 2, 3, 5) == 1.5
    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda n: n / 0, 3, 5)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.call(lambda n: next(iter([])), 3, 5)
    threads.close()


async def test_calls_run_side_by_side_and_threads_are_used_again():
    threads: Threads[int, str] = Threads()
    both = threading.Barrier(2, timeout=10)

    def meet(_: int) -> str:
        both.wait()
        return threading.current_thread().name

    before = threading.active_count()
    for _ in range(3):
        await asyncio.gather(threads.call(meet, 1, 10), threads.call(meet, 2, 10))
    assert threading.active_count() <= before + 2
    threads.close()


async def test_a_hung_call_is_abandoned_and_others_go_on_until_too_many_hang():
    threads: Threads[threading.Event, bool] = Threads(most_hung=1)
    free = threading.Event()
    for hung in (1, 2):
        with pytest.raises(TimeoutError):
            await threads.call(lambda event: event.wait(), free, 0.02)
        assert threads.abandoned == hung
    with pytest.raises(BusError, match="2 calls of <lambda> hang"):
        await threads.call(lambda event: True, free, 5)
    free.set()
    async with asyncio.timeout(10):
        while threads.abandoned:
            await asyncio.sleep(0.01)
    assert await threads.call(lambda event: event.is_set(), free, 5)
    threads.close()
