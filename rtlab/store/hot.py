"""Reads what is newest of an instrument from Redis, by key: never from a stream, never from the cold side."""

from types import TracebackType
from typing import Any, Self

from redis.exceptions import RedisError

from rtlab.errors import StoreError, UnreachableError
from rtlab.store.connection import connect
from rtlab.store.keys import hot_key
from rtlab.store.newest import HotBars, HotBook, HotTicker, unpack_bars, unpack_book, unpack_ticker
from rtlab.store.unrecorded import connect_blocking, reachable


class HotReader:
    """An asyncio reader of the Redis at `url`; `async with HotReader(url) as hot`.

    Each value is at most 20 ms older than the engine's. StoreError when no engine ever wrote the instrument,
    UnreachableError when Redis does not answer. `reads` counts.
    """

    def __init__(self, url: str) -> None:
        self.url, self.reads = url, 0

    async def __aenter__(self) -> Self:
        self._redis = connect(self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        try:
            return _there(await self._redis.get(hot_key(symbol, what)), symbol, what)
        except (RedisError, OSError) as problem:
            raise UnreachableError(f"Redis at {self.url} does not answer: {problem}") from None


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
