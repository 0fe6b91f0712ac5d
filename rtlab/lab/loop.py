"""The event loop that a lab lives on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import TypeVar

from rtlab.errors import ClosedError

T = TypeVar("T")


class LabLoop:
    """An event loop of the lab's own, in a thread that `close` joins.

    A cell that computes for ten seconds, or a page that is being built, thus never keeps the lab from reading
    its feed. The thread serves this lab alone; it is a daemon only so that a script that forgets `close` ends.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="rtlab-lab", daemon=True)
        self._thread.start()

    def start(self, coroutine: Coroutine[object, object, T]) -> "Future[T]":
        """Begin `coroutine` on the loop; any thread may wait for its future. ClosedError after `close`."""
        if self.loop.is_closed():
            coroutine.close()
            raise ClosedError("this lab is closed", expected="a new rtlab.demo() or rtlab.connect(url)")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def call(self, function: Callable[[], T]) -> T:
        """Run a short `function` on the loop's thread, where the client's state lives, and give its result."""
        if threading.current_thread() is self._thread:
            return function()

        async def once() -> T:
            return function()

        return self.start(once()).result()

    def wait(self, coroutine: Coroutine[object, object, T], timeout: float | None = None) -> T:
        """Run `coroutine` on the loop and wait for its result, from another thread."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise ClosedError("the lab's own thread cannot wait for itself", expected="await")
        return self.start(coroutine).result(timeout)

    def awaitable(self, coroutine: Coroutine[object, object, T]) -> Awaitable[T]:
        """Run `coroutine` on the loop, to be awaited on the caller's."""
        return asyncio.wrap_future(self.start(coroutine))

    def close(self) -> None:
        """Stop and join the thread. Idempotent."""
        if self.loop.is_closed() or threading.current_thread() is self._thread:
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def runs_here() -> bool:
    """Whether an event loop runs in this thread, which must not be kept waiting."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
