"""Recording: from an engine's Redis, from any feed or from a venue's recording, through the hot side to the cold one.

Whatever the source, one path leads to the files: a market writes its steps to Redis, and the recorder takes them
from there. So what is hot and what is cold are the same rows, and a recorder that is killed loses none of them.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rtlab.book import Market, Step
from rtlab.client import Client, connect
from rtlab.config import Settings
from rtlab.embedded import EMBEDDED, EmbeddedServer
from rtlab.engine import Engine
from rtlab.lab.pace import check_speed, play
from rtlab.lab.roles import writer_of
from rtlab.lab.server import until_ended
from rtlab.model import DepthSnapshot, DepthUpdate, MarketMessage, VenueTrade
from rtlab.protocol import Applied, Increment, Snapshot, Trades
from rtlab.sources import Binance, Lobster, LobsterCheck
from rtlab.sources import Step as LobsterStep
from rtlab.store.api import HOT
from rtlab.store.cold.place import LocalPlace, Place, make_folder
from rtlab.store.recording import Recorder
from rtlab.store.writing import Writer

log = logging.getLogger("rtlab.lab")

WINDOW_NS = 5_000_000  # messages that came within this are one chunk


class Target(NamedTuple):
    """Where to record: the place of the files, and the folder of tails and locks on this machine."""

    place: Place
    work: Path


def target_of(folder: Path) -> Target:
    """Give the target that is one folder of this machine, and make it; StoreError when it cannot be."""
    place = LocalPlace(folder)
    make_folder(place.folder)
    return Target(place, place.folder)


@contextmanager
def target_in(folder: Path) -> Iterator[Target]:
    """Give the same; what was made of it is taken away again where an error leaves it empty."""
    here = LocalPlace(folder).folder
    made = [one for one in (here, *here.parents) if not one.exists()]
    try:
        yield target_of(folder)
    except Exception:
        with suppress(OSError):  # not empty, or never made
            for one in made:
                one.rmdir()
        raise


class FeedMarket:
    """Brings a market of our own to where a feed's books are, and adds its trades; `missed` were dropped for us."""

    def __init__(self, client: Client, market: Market) -> None:
        self.market = market
        self.missed = 0
        self._symbols: dict[int, str] = {}
        for symbol in market.symbols:
            for channel, depth in (("book", None), ("trades", 1000)):
                self._symbols[id(client.subscribe(channel, symbol, depth=depth))] = symbol
        self._seen: dict[str, tuple[int, int]] = {}
        client.on_applied(self.on_applied)

    def on_applied(self, applied: Applied) -> None:
        """Take what a message changed."""
        symbol = self._symbols.get(id(applied.subscription))
        message = applied.message
        if symbol is None or applied.how not in ("snapshot", "increment"):
            return
        if isinstance(message, Snapshot):
            self.market.replace_book(symbol, message.bids, message.asks, message.ts_event)
        elif isinstance(message, Increment):
            self._change(symbol, message)
        elif isinstance(message, Trades):
            self._trade(symbol, message)

    def _change(self, symbol: str, message: Increment) -> None:
        book = self.market.book(symbol)
        changed = [one for one in message.changes if (book.sides[one[0]].get(one[1]) or 0) != one[2]]
        if changed:
            sides, prices, qtys = (list(column) for column in zip(*changed, strict=True))
            self.market.fold(symbol, Step(message.ts_event, sides, prices, qtys, []))

    def _trade(self, symbol: str, message: Trades) -> None:
        epoch, seq = self._seen.get(symbol, (message.epoch, message.before.seq))
        if epoch == message.epoch and message.before.seq > seq:
            self.missed += message.before.seq - seq
            log.error("%s: the feed dropped %d trades for us", symbol, message.before.seq - seq)
        self._seen[symbol] = message.epoch, message.last_seq
        if message.trades:
            rows = [(ts, price, qty, side) for ts, price, qty, side in message.trades]
            self.market.fold(symbol, Step(rows[-1][0], [], [], [], rows))


def played(source: Binance | Lobster, market: Market) -> Iterator[tuple[int, Callable[[], None]]]:
    """Give (ts, what brings `market` on) for each chunk of a recording."""
    if isinstance(source, Lobster):
        check = LobsterCheck(source, Engine(source.instruments))
        for step in source:
            yield step.row.ts, partial(match_step, market, check, step)
    else:
        for ts, messages in source.chunks(WINDOW_NS):
            yield ts, partial(take_messages, market, messages)


def match_step(market: Market, check: LobsterCheck, step: LobsterStep) -> None:
    """Bring a market on by what our engine makes of a step of LOBSTER."""
    for events in check.step(step):
        market.apply(events)


def take_messages(market: Market, messages: Iterable[MarketMessage]) -> None:
    """Bring a market on by the books and trades among a venue's messages."""
    for message in messages:
        if isinstance(message, DepthUpdate | DepthSnapshot):
            market.apply_depth(message.instrument, message)
        elif isinstance(message, VenueTrade):
            market.apply_trade(message)


@asynccontextmanager
async def hot_side(settings: Settings, target: Target) -> AsyncIterator[str]:
    """Give the URL of the Redis to record through: the settings', or the store's own server."""
    if settings.redis_url != EMBEDDED:
        yield settings.redis_url
        return
    server = EmbeddedServer(target.work / HOT)
    await asyncio.to_thread(server.start)
    try:
        yield server.url
    finally:
        await asyncio.to_thread(server.close)


async def record_redis(
    url: str, target: Target, *, on_ready: Callable[[Recorder], None], ended: asyncio.Event
) -> Recorder:
    """Record what an engine writes to a Redis until `ended`; StoreError when another recorder is at work."""
    async with Recorder(url, *target) as recorder:
        on_ready(recorder)
        await until_ended(recorder.wait(), ended)
    return recorder


async def record_feed(
    settings: Settings,
    url: str,
    target: Target,
    *,
    on_ready: Callable[[Recorder], None],
    ended: asyncio.Event,
) -> Recorder:
    """Record the feed at `url` until `ended`; UnreachableError when nobody answers there."""
    token, ca_file = (None if one == "none" else one for one in (settings.token, settings.ca_file))
    async with connect(url.split(","), token=token, ca_file=ca_file) as client:
        market = Market(list((await client.instruments()).values()), time.time_ns() // 1_000_000)
        async with hot_side(settings, target) as redis, writer_of(settings, market, redis):
            FeedMarket(client, market)
            return await record_redis(redis, target, on_ready=on_ready, ended=ended)


async def record_source(
    settings: Settings,
    source: Binance | Lobster,
    target: Target,
    *,
    speed: float | None,
    on_ready: Callable[[Recorder], None],
    ended: asyncio.Event,
) -> Recorder:
    """Record a venue's recording as if it happened now, until its end or `ended`; ConfigError for a speed of 0."""
    check_speed(speed)
    market = Market(source.instruments, time.time_ns() // 1_000_000)
    async with (
        hot_side(settings, target) as redis,
        writer_of(settings, market, redis) as writer,
        Recorder(redis, *target) as recorder,
    ):
        on_ready(recorder)
        await until_ended(_play(played(source, market), market, writer, recorder, speed), ended)
    return recorder


async def _play(
    chunks: Iterator[tuple[int, Callable[[], None]]],
    market: Market,
    writer: Writer,
    recorder: Recorder,
    speed: float | None,
) -> None:
    async def act(take: Callable[[], None]) -> None:
        take()
        await writer.drained(1000)  # as fast as possible is as fast as Redis takes it

    await play(chunks, act, speed=speed)
    await writer.drained()
    await recorder.reached({symbol: market.state(symbol).position for symbol in market.symbols})
