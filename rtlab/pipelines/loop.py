"""The owner's event loop, as streamz wants to see it, even before it is known."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import NamedTuple, Self

from tornado.ioloop import IOLoop

logger = logging.getLogger(__name__)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the loop that runs in this thread, None where none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Failure(NamedTuple):
    """A function of the graph that failed: in which node, with what, and on what."""

    node: str
    error: str
    on: str  # the row, where the node takes rows; else the value
    cause: BaseException


KEPT_FAILURES = 100


class OwnersLoop:
    """Stands for the loop that a graph will run on, holds the graph's tasks and counts its failures.

    A streamz node that finds no loop starts one in a daemon thread. Given this object it never does: callbacks
    wait here until `bind`, and after `close` they are dropped.
    """

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        self.failed: deque[Failure] = deque(maxlen=KEPT_FAILURES)  # the last ones
        self._loop: IOLoop | None = None
        self._waiting: list[Callable[[], object]] = []
        self._closed = False

    def bind(self) -> None:
        """Take the running loop; call it in that loop. RuntimeError where none runs."""
        asyncio.get_running_loop()
        self._loop = IOLoop.current()
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            self._loop.add_callback(callback)

    @property
    def asyncio_loop(self) -> Self:
        """What streamz makes tasks on: this, so that they end with the graph."""
        return self

    def add_callback(self, callback: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Call `callback` in the loop as soon as there is one; safe from any thread once bound."""
        if self._closed:
            return
        if self._loop is None:
            self._waiting.append(lambda: callback(*args, **kwargs))
        else:
            self._loop.add_callback(callback, *args, **kwargs)

    def create_task(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        """Run `work` in the running loop until it ends or `close`. RuntimeError without a loop."""
        loop = running_loop()
        if loop is None:
            work.close()
            raise RuntimeError("an asynchronous node needs a running event loop")
        task = loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def run(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        """As `create_task`, for work that nobody waits for: its failure is logged."""
        task = self.create_task(work)
        task.add_done_callback(_log_failure)
        return task

    def close(self) -> None:
        """Cancel every task; drop what waits and what is still to come."""
        self._closed, self._waiting = True, []
        for task in self.tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no task is left, but for the one that asks."""
        others = self.tasks - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a task of a graph ended: %r", error, exc_info=error)
