"""Reads what is newest of an instrument from Redis, by key: never from a stream, never from the cold side."""

import asyncio
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

from redis.exceptions import RedisError

from rtlab.errors import StoreError, UnreachableError
from rtlab.store.connection import connect, stop
from rtlab.store.keys import hot_key
from rtlab.store.newest import HotBars, HotBook, HotTicker, unpack_bars, unpack_book, unpack_ticker
from rtlab.store.unrecorded import connect_blocking, reachable

FRESH_S = 0.02


class _Copy(NamedTuple):
    """A packed value as Redis had it, at or after `asked_s` of the monotonic clock."""

    asked_s: float
    packed: bytes


class HotReader:
    """An asyncio reader of the Redis at `url`, for any number of tasks; `async with HotReader(url) as hot`.

    A value is at most 20 ms older than the engine's when Redis is asked, and Redis is asked for it at most `fresh_s`
    before the call: what one task was told is given to others meanwhile, and asked for again when half of that time
    is over, once for all. With 0 every call asks. StoreError when no engine ever wrote the instrument,
    UnreachableError when Redis does not answer. `reads` counts, and `asked` those for which Redis was asked.
    """

    def __init__(self, url: str, *, fresh_s: float = FRESH_S) -> None:
        self.url, self.reads, self.asked = url, 0, 0
        self._fresh_s = fresh_s
        self._copies: dict[str, _Copy] = {}
        self._asking: dict[str, asyncio.Task[bytes | None]] = {}

    async def __aenter__(self) -> Self:
        self._redis = connect(self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._asking.values()):
            await stop(task)
        await self._redis.aclose()

    async def book(self, symbol: str) -> HotBook:
        """Give the best 100 levels of each side."""
        return unpack_book(await self._get(symbol, "book"))

    async def ticker(self, symbol: str) -> HotTicker:
        """Give the ticker."""
        return unpack_ticker(await self._get(symbol, "ticker"))

    async def bars(self, symbol: str) -> HotBars:
        """Give the open bar of each interval."""
        return unpack_bars(await self._get(symbol, "bars"))

    async def _get(self, symbol: str, what: str) -> bytes:
        self.reads += 1
        key, now = hot_key(symbol, what), time.monotonic()
        while (copy := self._copies.get(key)) is None or copy.asked_s < now - self._fresh_s:
            try:
                told = await asyncio.shield(self._ask(key))
            except (RedisError, OSError) as problem:
                raise UnreachableError(f"Redis at {self.url} does not answer: {problem}") from None
            _there(told, symbol, what)
        if copy.asked_s < now - self._fresh_s / 2:
            self._ask(key)
        return copy.packed

    def _ask(self, key: str) -> asyncio.Task[bytes | None]:
        task = self._asking.get(key)
        if (
            task is None or task.done()
        ):  # one whose `_asked` is still to come: it would be joined again without end
            task = self._asking[key] = asyncio.create_task(self._fetch(key), name=f"rtlab hot {key}")
            task.add_done_callback(lambda task: self._asked(key, task))
        return task

    async def _fetch(self, key: str) -> bytes | None:
        self.asked += 1
        now = time.monotonic()
        told = await self._redis.get(key)
        assert not isinstance(told, str)  # we do not let the client decode
        if told is not None:
            self._copies[key] = _Copy(now, told)
        return told

    def _asked(self, key: str, task: asyncio.Task[bytes | None]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            task.exception()  # who waits is told; where nobody does, the next who reads asks again


class BlockingHotReader:
    """The same for a script: `with BlockingHotReader(url) as hot`."""

    def __init__(self, url: str) -> None:
        self.url, self.reads = url, 0

    def __enter__(self) -> Self:
        self._redis = connect_blocking(self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._redis.close()

    def book(self, symbol: str) -> HotBook:
        """Give the best 100 levels of each side."""
        return unpack_book(self._get(symbol, "book"))

    def ticker(self, symbol: str) -> HotTicker:
        """Give the ticker."""
        return unpack_ticker(self._get(symbol, "ticker"))

    def bars(self, symbol: str) -> HotBars:
        """Give the open bar of each interval."""
        return unpack_bars(self._get(symbol, "bars"))

    def _get(self, symbol: str, what: str) -> bytes:
        self.reads += 1
        with reachable(self.url):
            return _there(self._redis.get(hot_key(symbol, what)), symbol, what)


def _there(told: Any, symbol: str, what: str) -> bytes:
    if not isinstance(told, bytes):
        raise StoreError(f"no engine has written the {what} of {symbol} there")
    return told
