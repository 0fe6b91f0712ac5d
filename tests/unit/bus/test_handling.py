import asyncio
import threading

import pytest
from support.bus_events import Counted, counted_topic

from rtlab.bus.event import SchemaError
from rtlab.bus.handling import Calls, ExitError, HangError, Options, delivery_of
from rtlab.errors import BusError

TOPIC = counted_topic()
ONE = delivery_of(TOPIC, "main", 2, 7, TOPIC.event(Counted("k", 1), key="k", id="x", ts_event=4), 3)


def test_a_delivery_says_all_that_is_needed_to_apply_it_once():
    assert (ONE.topic, ONE.group, ONE.shard, ONE.token, ONE.tries) == ("counted", "main", 2, 7, 3)
    assert (ONE.id, ONE.key, ONE.ts_event, ONE.body) == ("x", "k", 4, Counted("k", 1))


def test_an_event_that_cannot_be_read_makes_no_delivery():
    with pytest.raises(SchemaError):
        delivery_of(counted_topic(version=2), "main", 0, 0, TOPIC.event(Counted("k", 1), key="k"), 0)


async def test_coroutine_functions_run_here_and_plain_ones_in_a_thread():
    async def here(delivery):
        return delivery.body.n, threading.current_thread() is threading.main_thread()

    def there(delivery):
        return delivery.body.n, threading.current_thread() is threading.main_thread()

    class Both:
        async def __call__(self, delivery):
            return await here(delivery)

    assert await Calls(here, Options())([ONE]) == (1, True)
    assert await Calls(Both(), Options())([ONE]) == (1, True)
    assert await Calls(there, Options())([ONE]) == (1, False)


async def test_with_a_batch_the_handler_gets_a_list():
    assert await Calls(lambda many: [one.id for one in many], Options(batch=2))([ONE, ONE]) == ["x", "x"]


async def test_what_hangs_and_what_wants_to_exit_are_ordinary_errors():
    free = threading.Event()

    async def hangs(_):
        await asyncio.sleep(60)

    def exits(_):
        raise SystemExit(3)

    with pytest.raises(HangError, match=r"had not returned after 0\.02 s"):
        await Calls(hangs, Options(hang_s=0.02))([ONE])
    calls = Calls(lambda _: free.wait(), Options(hang_s=0.02))
    with pytest.raises(HangError):
        await calls([ONE])
    assert calls.abandoned == 1
    free.set()
    with pytest.raises(ExitError, match=r"SystemExit\(3\)"):
        await Calls(exits, Options())([ONE])


@pytest.mark.parametrize("name", ["concurrency", "batch", "prefetch"])
def test_options_below_one_are_refused(name):
    with pytest.raises(BusError, match=name):
        Options(**{name: 0})


async def test_a_handler_that_waits_goes_on_in_the_same_task_and_gives_what_it_gives():
    ran = []

    async def waits(delivery):
        ran.append(asyncio.current_task())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await asyncio.sleep(0.001)
        for _ in range(3):
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        ran.append(asyncio.current_task())
        return delivery.body.n

    assert await Calls(waits, Options())([ONE]) == 1
    assert ran == [asyncio.current_task()] * 2


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_what_a_handler_raises_comes_out_however_late(steps):
    async def raises(_):
        for _ in range(steps):
            await asyncio.sleep(0)
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        await Calls(raises, Options())([ONE])


async def test_what_a_handler_waits_for_may_fail_and_it_may_heed_that():
    async def heeds(_):
        failed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(failed.set_exception, OSError("gone"))
        try:
            await failed
        except OSError as problem:
            return str(problem)

    assert await Calls(heeds, Options())([ONE]) == "gone"


async def test_a_handler_is_cancelled_where_it_waits_and_may_clean_up():
    cleaned = []

    async def cleans(_):
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    calling = asyncio.create_task(Calls(cleans, Options())([ONE]))
    await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert cleaned == [True]


async def test_a_handler_that_hangs_after_a_first_step_is_told_so():
    async def hangs(_):
        await asyncio.sleep(0)
        await asyncio.Event().wait()

    with pytest.raises(HangError):
        await Calls(hangs, Options(hang_s=0.02))([ONE])
