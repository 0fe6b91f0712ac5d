"""Threads for plain functions that may hang: a thread that does not come back is abandoned, and another takes over.

The executors of the standard library join their threads at exit, so one hung function would keep the process.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rtlab.errors import BusError

A = TypeVar("A")
R = TypeVar("R")

_Job = tuple[Callable[[A], R], A, "asyncio.Future[R]", asyncio.AbstractEventLoop]


class Threads(Generic[A, R]):
    """Up to as many threads as calls are under way. `abandoned` threads hang; more than `most_hung` is an error."""

    def __init__(self, most_hung: int = 16) -> None:
        self.abandoned = 0
        self._most_hung = most_hung
        self._idle = 0
        self._jobs: queue.SimpleQueue[_Job[A, R] | None] = queue.SimpleQueue()
        self._living = 0

    async def call(self, function: Callable[[A], R], argument: A, timeout_s: float) -> R:
        """Call it in a thread; TimeoutError when it has not returned in time, and BusError when too many hang."""
        if self.abandoned > self._most_hung:
            raise BusError(f"{self.abandoned} calls of {function.__name__} hang", expected="a new process")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()
        if self._idle:
            self._idle -= 1
        else:
            threading.Thread(target=self._serve, name="rtlab bus", daemon=True).start()
            self._living += 1
        self._jobs.put((function, argument, done, loop))
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(done)
        except (TimeoutError, asyncio.CancelledError):
            if not done.done():
                done.cancel()
                self.abandoned += 1
            raise

    def close(self) -> None:
        """Let the idle threads end."""
        for _ in range(self._living):
            self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, argument, done, loop = job
            problem: BaseException | None = None
            result: R | None = None
            try:
                result = function(argument)
            except BaseException as raised:  # noqa: BLE001  # the caller gets it, whatever it is
                problem = raised
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(self._tell, done, result, problem)

    def _tell(self, done: "asyncio.Future[R]", result: Any, problem: BaseException | None) -> None:
        self._idle += 1
        if done.cancelled():
            self.abandoned -= 1  # it came back after all
        elif problem is None:
            done.set_result(result)
        elif isinstance(problem, StopIteration):  # which no future takes
            done.set_exception(RuntimeError("the function raised StopIteration"))
        else:
            done.set_exception(problem)
