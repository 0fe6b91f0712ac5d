"""Any venue that ccxt follows live, behind the same source: `ccxt.okx:BTC/USDT`.

ccxt keeps the book and checks it as far as it knows how, which differs by venue. What it gives is taken as a proof of
that moment and of nothing later: it does not tell a quiet venue from a dead one, so a book that does not change for
STALE_AFTER_S is declared stale, and comes back with its next change. Numbers come as floats; each must be the exact
multiple of the venue's step that its shortest decimal is, or the book is left. Whether trades were lost cannot be
known: each break counts as one.

Documents: "CCXT Pro Manual", https://docs.ccxt.com/docs/pro-manual .
"""

import asyncio
import difflib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, Self

from rtlab.errors import ConfigError, GridError, LocalError, ProtocolError, UnreachableError
from rtlab.extras import extra
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Level, MarketMessage, Side, VenueTrade
from rtlab.sources.venues.connection import TICK_S, Raw, Take
from rtlab.sources.venues.directory import moved, wanted
from rtlab.sources.venues.kept import KeptBook, Listing, plain
from rtlab.sources.venues.listings import unknown
from rtlab.sources.venues.live import LiveStatistics
from rtlab.sources.venues.pacing import Tries
from rtlab.sources.venues.trust import Sight, TrustState

LEVELS = 100  # of a side
_DECIMAL_PLACES, _TICK_SIZE = 2, 4  # how ccxt states precisions


class Exchange(Protocol):
    """What is used of an exchange of ccxt.pro."""

    has: Mapping[str, object]
    markets: Mapping[str, Mapping[str, Any]]
    precisionMode: int
    urls: dict[str, Any]

    async def load_markets(self) -> object:
        """Ask for what is traded."""
        ...

    async def watch_order_book(self, symbol: str) -> Mapping[str, Any]:
        """Wait for the next change of a book, and give all of it."""
        ...

    async def watch_trades(self, symbol: str) -> Sequence[Mapping[str, Any]]:
        """Wait for the next trades, and give those."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


class CcxtSource:
    """A venue as ccxt reads it. `failures` are the exceptions by which ccxt says that a venue fails."""

    def __init__(
        self, exchange: Exchange, found: Sequence[Listing], failures: tuple[type[Exception], ...]
    ) -> None:
        self.instruments = [one.instrument for one in found]
        self.trades_lost = self.lost = self.received = 0
        self._exchange, self._failures = exchange, failures
        self._kept = [KeptBook(one) for one in found]
        self._take: Take = lambda messages: None

    @classmethod
    async def open(cls, text: str, base: str = "") -> Self:
        """Ask the venue for the instruments that `text` names; LocalError without ccxt, else as `LiveSource.open`."""
        venue, names = wanted(text)
        exchange, failures = _exchange_of(venue.removeprefix("ccxt."))
        if base:
            exchange.urls["api"] = _moved_all(exchange.urls["api"], base)
        try:
            await exchange.load_markets()
            return cls(exchange, [_listing(exchange, venue, name) for name in names], failures)
        except failures as problem:
            await exchange.close()
            raise UnreachableError(f"{venue} does not answer: {problem}"[:300]) from None
        except BaseException:
            await exchange.close()
            raise

    async def run(self, take: Take) -> None:
        """Follow the venue until cancelled, and give `take` what can be trusted of it."""
        self._take = take
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick(), name="rtlab ccxt clock")
                for kept in self._kept:
                    tasks.create_task(self._watch(kept, self._book), name="rtlab ccxt book")
                    if self._exchange.has.get("watchTrades"):
                        tasks.create_task(self._watch(kept, self._trades), name="rtlab ccxt trades")
        finally:
            await self._exchange.close()

    def keep_raw(self, keep: Raw) -> None:
        """Raise LocalError: ccxt gives what it has read, not what came."""
        raise LocalError("ccxt does not give a venue's messages as they came", expected="a venue of our own")

    def sights(self) -> list[Sight]:
        """Give what is known of each book now."""
        return [kept.trust.sight() for kept in self._kept]

    def statistics(self) -> LiveStatistics:
        """Count since the beginning; what ccxt does not tell is 0."""
        sights = self.sights()
        known = {
            "books": len(sights),
            "live": sum(sight.state == TrustState.LIVE for sight in sights),
            "mismatches": sum(sight.mismatches for sight in sights),
            "unreadable": sum(sight.unreadable for sight in sights),
            "resyncs": sum(sight.resyncs for sight in sights),
            "staled": sum(sight.staled for sight in sights),
            "lost": self.lost,
            "received": self.received,
            "trades": sum(kept.trades for kept in self._kept),
            "trades_lost": self.trades_lost,
        }
        return LiveStatistics(**dict.fromkeys(LiveStatistics._fields, 0) | known)

    async def _watch(
        self, kept: KeptBook, watch: Callable[[KeptBook], Awaitable[list[MarketMessage]]]
    ) -> None:
        tries = Tries()
        while True:
            try:
                messages = await watch(kept)
            except self._failures as problem:
                self.lost += 1
                self.trades_lost += watch == self._trades
                kept.trust.broke(f"ccxt: {type(problem).__name__}: {problem}"[:300])
                await asyncio.sleep(tries.delay_s())
                continue
            tries.reset()
            self.received += 1
            if messages:
                self._take(messages)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            over = [kept for kept in self._kept if kept.trust.is_over(time.monotonic_ns())]
            if over:
                self._take([kept.emptied(time.time_ns()) for kept in over])

    async def _book(self, kept: KeptBook) -> list[MarketMessage]:
        book = await self._exchange.watch_order_book(kept.listing.name)
        now, wall = time.monotonic_ns(), time.time_ns()
        ts = int(book.get("timestamp") or 0) * 1_000_000 or wall
        try:
            bids, asks = (kept.levels(_texts(book[side][:LEVELS])) for side in ("bids", "asks"))
        except (GridError, ValueError) as problem:
            kept.trust.unreadable += 1
            kept.trust.broke(str(problem))
            return []
        changes = _loaded(kept, bids, asks, ts)
        if kept.is_crossed:
            kept.trust.mismatches += 1
            kept.trust.broke("the book's sides cross")
            return []
        if not kept.trust.in_step:
            return [kept.synced(now, ts, wall)]
        kept.trust.proved(now)
        told: list[DepthSnapshot | DepthUpdate] = kept.give(ts, wall, *changes)
        return [*told]

    async def _trades(self, kept: KeptBook) -> list[MarketMessage]:
        made = await self._exchange.watch_trades(kept.listing.name)
        return [trade for one in made if (trade := self._trade(kept, one)) is not None]

    def _trade(self, kept: KeptBook, made: Mapping[str, Any]) -> VenueTrade | None:
        try:
            ((price, qty),) = kept.levels(_texts([(made["price"], made["amount"])]))
        except (GridError, ValueError):
            kept.trust.unreadable += 1
            return None
        kept.trades += 1
        wall, told = time.time_ns(), str(made.get("id") or "")
        return VenueTrade(
            instrument=kept.instrument.symbol,
            ts_event=int(made.get("timestamp") or 0) * 1_000_000 or wall,
            ts_recv=wall,
            trade_id=int(told) if told.isdecimal() else kept.trades,
            aggressor_side=Side.ASK if made.get("side") == "sell" else Side.BID,
            price=price,
            qty=qty,
        )


def _loaded(kept: KeptBook, bids: list[Level], asks: list[Level], ts: int) -> tuple[list[Level], list[Level]]:
    """Load levels; give what that changed."""
    told: list[tuple[int, int, int]] = []
    kept.book.told = told
    kept.load(bids, asks, ts)
    kept.book.told = None
    sides = [[(price, qty) for side, price, qty in told if side == one] for one in (0, 1)]
    return sides[0], sides[1]


def _texts(rows: Iterable[Sequence[float]]) -> list[tuple[str, str]]:
    # the shortest decimal of a float is the one that the venue wrote
    return [(plain(repr(row[0])), plain(repr(row[1]))) for row in rows]


def _exchange_of(name: str) -> tuple[Exchange, tuple[type[Exception], ...]]:
    with extra("venues", "ccxt", f"the venue ccxt.{name}"):
        import ccxt.pro
    if name not in ccxt.pro.exchanges:
        near = difflib.get_close_matches(name, ccxt.pro.exchanges, n=3)
        raise ConfigError(
            "ccxt follows no such venue live",
            expected=" or ".join(near) or "one of ccxt.pro.exchanges",
            got=name,
        )
    exchange: Exchange = getattr(ccxt.pro, name)({"newUpdates": True, "enableRateLimit": True})
    if not exchange.has.get("watchOrderBook"):
        raise ConfigError("ccxt has no live books of this venue", got=name)
    return exchange, (ccxt.pro.BaseError, OSError, TimeoutError)


def _listing(exchange: Exchange, venue: str, name: str) -> Listing:
    if name not in exchange.markets:
        raise unknown(name, venue, exchange.markets, example="BTC/USDT")
    precision = exchange.markets[name].get("precision") or {}
    steps = [_step(exchange.precisionMode, precision.get(what)) for what in ("price", "amount")]
    if steps[0] is None or steps[1] is None:
        raise ProtocolError(f"{venue} states no grid of {name} that ccxt knows", got=precision)
    return Listing(name, Instrument(name, steps[0], steps[1]))


def _step(mode: int, told: float | int | None) -> Decimal | None:
    if told is None:
        return None
    if mode == _TICK_SIZE:
        step = Decimal(plain(repr(told)))
        return step if step > 0 else None
    return Decimal(1).scaleb(-int(told)) if mode == _DECIMAL_PLACES else None


def _moved_all(urls: Any, base: str) -> Any:
    if isinstance(urls, dict):
        return {name: _moved_all(one, base) for name, one in urls.items()}
    return moved(urls, base) if isinstance(urls, str) and "://" in urls else urls
