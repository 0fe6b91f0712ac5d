"""The event loop that a lab lives on."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import TypeVar

from rtlab.errors import ClosedError

T = TypeVar("T")


class LabLoop:
    """The caller's loop where one runs (Jupyter, Panel); else a loop of the lab's own, in a thread that `close` joins.

    The thread is a daemon only so that a script that forgets `close` can still end; it serves this lab alone.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        try:
            self.loop = asyncio.get_running_loop()
        except RuntimeError:
            self.loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self.loop.run_forever, name="rtlab-lab", daemon=True)
            self._thread.start()

    @property
    def blocking(self) -> bool:
        """True where the caller has no loop of his own and so may wait."""
        return self._thread is not None

    def wait(self, coroutine: Coroutine[object, object, T], timeout: float | None = None) -> T:
        """Run `coroutine` on the lab's own loop and wait; only where `blocking`."""
        if self._thread is None or threading.current_thread() is self._thread:
            coroutine.close()
            raise ClosedError("a running event loop cannot wait for itself", expected="await, or async with")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def call(self, function: Callable[[], T]) -> T:
        """Run a short `function` on the loop's thread, where the client's state lives, and give its result."""
        if self._thread is None or threading.current_thread() is self._thread:
            return function()

        async def once() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(once(), self.loop).result()

    def close(self) -> None:
        """Stop and join the lab's own thread; the caller's loop is left alone."""
        if self._thread is None or threading.current_thread() is self._thread or self.loop.is_closed():
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
