"""What a consumer gives to its handler, and what comes of one call."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from rtlab.bus.event import Event, Topic
from rtlab.bus.retry import Retry
from rtlab.bus.threads import Threads
from rtlab.errors import BusError

T = TypeVar("T")


class Delivery(msgspec.Struct, Generic[T], frozen=True):
    """One event as its handler gets it: `body`, and all that is needed to apply it once.

    `token` is the fencing token of who holds the shard (0: this server has none), `tries` how many failed before.
    """

    topic: str
    group: str
    shard: int
    token: int
    tries: int
    id: str
    key: str
    ts_event: int
    body: T


Handler = Callable[[Any], Any]
"""A coroutine function or a plain one (called in a thread), of a Delivery, or of a list of them where `batch` > 1."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a consumer works.

    `concurrency` calls of a shard at a time, never two of one key; up to `batch` events a call (a batch that fails
    is handled again one by one); a call that takes longer than `hang_s` seconds has failed; `prefetch` unfinished
    events of a shard at most are held here.
    """

    retry: Retry = Retry()
    concurrency: int = 8
    batch: int = 1
    hang_s: float = 30.0
    prefetch: int = 1024

    def __post_init__(self) -> None:
        for name in ("concurrency", "batch", "prefetch"):
            if getattr(self, name) < 1:
                raise BusError(f"{name} of a consumer", expected="at least 1", got=getattr(self, name))


class Calls:
    """Calls one handler, however it is made. What it raises comes out, only SystemExit as an ordinary error."""

    def __init__(self, handler: Handler, options: Options) -> None:
        self._handler, self._options = handler, options
        call = getattr(type(handler), "__call__", None)  # noqa: B004  # an object with an async __call__
        self._is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)
        self._threads: Threads[Any, Any] = Threads()

    @property
    def abandoned(self) -> int:
        """Threads that hang in the handler."""
        return self._threads.abandoned

    def close(self) -> None:
        """Let the threads end."""
        self._threads.close()

    async def __call__(self, deliveries: Sequence[Delivery[Any]]) -> object:
        """Handle them; gives what the handler gave."""
        argument = list(deliveries) if self._options.batch > 1 else deliveries[0]
        try:
            if not self._is_async:
                return await self._threads.call(self._handler, argument, self._options.hang_s)
            return await self._in_time(self._handler(argument))
        except TimeoutError as problem:
            raise HangError(f"it had not returned after {self._options.hang_s:g} s") from problem
        except SystemExit as problem:
            raise ExitError(f"it wanted to end the process: SystemExit({problem.code!r})") from problem

    async def _in_time(self, work: Coroutine[Any, Any, object]) -> object:
        # most handlers are done without waiting for anything: a time-out costs more than they do
        try:
            waits_for = work.send(None)
        except StopIteration as end:
            return end.value
        async with asyncio.timeout(self._options.hang_s):
            return await _Begun(work, waits_for)


class _Begun:
    """A coroutine that was begun and waits for something: awaited, it goes on from there."""

    def __init__(self, work: Coroutine[Any, Any, object], waits_for: object) -> None:
        self._work, self._waits_for = work, waits_for

    def __await__(self) -> Generator[object, object, object]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    got = yield waits_for
                except BaseException as problem:  # noqa: BLE001  # it is thrown to who waits for it, as `await` does
                    waits_for = self._work.throw(problem)
                else:
                    waits_for = self._work.send(got)
        except StopIteration as end:
            return end.value


class HangError(BusError):
    """A handler that did not return in time."""


class ExitError(BusError):
    """A handler that wanted to end the process."""


def delivery_of(topic: Topic[T], group: str, shard: int, token: int, event: Event, tries: int) -> Delivery[T]:
    """Give what a handler gets of an event; SchemaError when the topic cannot read it."""
    body = topic.read(event)
    return Delivery(topic.name, group, shard, token, tries, event.id, event.key, event.ts_event, body)
