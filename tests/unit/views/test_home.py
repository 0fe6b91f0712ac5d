import asyncio
import threading
from contextvars import ContextVar

from rtlab.views.home import Home


def test_without_a_loop_it_calls_at_once():
    called = []
    Home().call(lambda: called.append(1))
    assert not Home().is_over
    assert called == [1]


async def test_it_calls_on_the_loop_that_made_it_from_any_thread():
    home, names, called = Home(), [], asyncio.Event()

    def note():
        names.append(threading.current_thread().name)
        called.set()

    await asyncio.to_thread(home.call, note)
    await asyncio.wait_for(called.wait(), 5)
    assert names == ["MainThread"]


async def test_each_call_has_a_context_of_its_own():
    home, page, seen = Home(), ContextVar("page", default="none"), []
    page.set("another")
    home.call(lambda: seen.append(page.get()))
    await asyncio.sleep(0)
    assert seen == ["none"]


def test_a_loop_that_is_closed_is_called_no_more():
    async def made() -> Home:
        return Home()

    called = []
    home = asyncio.run(made())
    home.call(lambda: called.append(1))
    assert home.is_over
    assert called == []
