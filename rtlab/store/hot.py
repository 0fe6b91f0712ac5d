"""Reads what is newest of an instrument from Redis, by key: never from a stream, never from the cold side."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from redis.exceptions import RedisError

from rtlab.errors import StoreError
from rtlab.store.asking import Asking
from rtlab.store.connection import stop
from rtlab.store.keys import hot_key
from rtlab.store.newest import HotBars, HotBook, HotTicker, unpack_bars, unpack_book, unpack_ticker
from rtlab.store.server import no_answer
from rtlab.store.unrecorded import connect_blocking, reachable

FRESH_S = 0.02
# within the time that a copy is fresh: an answer may take three quarters of it, and nobody waits
_RENEWALS = 4
# reads, within so many times it: readers that were held up together come all at one moment, and again a while later
_OFTEN, _WITHIN = 20, 100


class _Copy(NamedTuple):
    """A packed value as Redis had it, at or after `asked_s` of the monotonic clock."""

    asked_s: float
    packed: bytes


_Told = dict[str, bytes | None]


class HotReader:
    """An asyncio reader of the Redis at `url`, for any number of tasks; `async with HotReader(url) as hot`.

    A value is at most 20 ms older than the engine's when Redis is asked, and Redis is asked for it at most `fresh_s`
    before the call: what one task was told is given to others meanwhile. What is read often (20 times within 2 s) is
    asked for again, all of it in one question, each time a quarter of `fresh_s` is over: then nobody waits for an
    answer, unless Redis is later than the other three quarters. With 0 every call asks.
    StoreError when no engine ever wrote the instrument, UnreachableError when Redis does not answer. `reads` counts,
    and `asked` the values that Redis was asked for.
    """

    def __init__(self, url: str, *, fresh_s: float = FRESH_S) -> None:
        self.url, self.reads, self.asked = url, 0, 0
        self._fresh_s = fresh_s
        self._copies: dict[str, _Copy] = {}
        self._read_s: dict[str, deque[float]] = {}  # when a value was read last
        self._asking: dict[str, asyncio.Task[_Told]] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._asks = Asking(self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (self._renewing, *self._asking.values()):
            if task is not None:
                await stop(task)
        await self._asks.close()

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
            task = self._asking.get(key)
            if task is None or task.done():  # done and to be forgotten next: it would be joined without end
                task = self._ask(key)
            try:
                told = await asyncio.shield(task)
            except (RedisError, OSError) as problem:
                raise no_answer(self.url, problem) from None
            _there(told[key], symbol, what)
        self._read_s.setdefault(key, deque(maxlen=_OFTEN)).append(now)
        if (self._renewing is None or self._renewing.done()) and self._is_wanted(key, now):
            self._renewing = asyncio.create_task(self._renew(copy.asked_s), name="rtlab hot renewal")
        return copy.packed

    def _is_wanted(self, key: str, now: float) -> bool:
        read_s = self._read_s[key]
        return len(read_s) == _OFTEN and read_s[0] > now - _WITHIN * self._fresh_s

    async def _renew(self, asked_s: float) -> None:
        while True:
            await asyncio.sleep(asked_s + self._fresh_s / _RENEWALS - time.monotonic())
            asked_s = time.monotonic()
            wanted = [key for key in self._read_s if self._is_wanted(key, asked_s)]
            if not wanted:
                return
            try:
                await self._ask(*(key for key in wanted if key not in self._asking))
            except (RedisError, OSError):
                return  # who finds a copy too old asks again, and is told what is wrong

    def _ask(self, *keys: str) -> asyncio.Task[_Told]:
        task = asyncio.create_task(self._fetch(keys), name=f"rtlab hot {', '.join(keys)}")
        self._asking.update(dict.fromkeys(keys, task))
        task.add_done_callback(lambda task: self._asked(keys, task))
        return task

    async def _fetch(self, keys: Sequence[str]) -> _Told:
        self.asked += len(keys)
        now = time.monotonic()
        told: _Told = dict(zip(keys, await self._asks.values(keys), strict=True))
        for key, packed in told.items():
            if packed is None:
                self._copies.pop(key, None)
            else:
                self._copies[key] = _Copy(now, packed)
        return told

    def _asked(self, keys: Sequence[str], task: asyncio.Task[_Told]) -> None:
        for key in keys:
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
