"""A live venue in a lab: its messages brought into a market, served to readers or recorded."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

from rtlab.book import Market, Step
from rtlab.config import NO_VENUE_URL, Settings
from rtlab.feed import Gateway
from rtlab.lab.door import gateway_of
from rtlab.lab.raw import RawKeeper
from rtlab.lab.recording import Target, hot_side
from rtlab.lab.roles import writer_of
from rtlab.lab.server import until_ended
from rtlab.model import DepthSnapshot, DepthUpdate, MarketMessage, VenueTrade
from rtlab.sources.venues import Live, Sight, TrustState, open_live, wanted
from rtlab.store.recording import Recorder
from rtlab.telemetry import event

log = logging.getLogger("rtlab.lab")

FIRST_S = 5.0  # readers are let in when every book is there, or after so long


class LiveMarket:
    """Brings a market to where a live source is; `publish` is called after each round of messages.

    An empty book is one that the source declared stale. Trades that were lost begin a new epoch: what comes after
    them does not follow what was published.
    """

    def __init__(self, market: Market, live: Live, publish: Callable[[], object] = lambda: None) -> None:
        self.market, self.live = market, live
        self._publish = publish
        self.is_whole = asyncio.Event()
        """Set when every book was live at the same time."""
        self._trades_lost = 0
        self._states: dict[str, str] = {}

    def take(self, messages: Sequence[MarketMessage]) -> None:
        """Fold what the source gave, and publish it."""
        if any(isinstance(message, VenueTrade) for message in messages):
            self._note_losses()
        for message in messages:
            if isinstance(message, DepthSnapshot):
                self.market.replace_book(message.instrument, message.bids, message.asks, message.ts_event)
            elif isinstance(message, DepthUpdate):
                self._change(message)
            elif isinstance(message, VenueTrade):
                self.market.apply_trade(message)
        self._publish()
        if any(isinstance(message, DepthSnapshot) for message in messages):
            self._look()

    def _change(self, update: DepthUpdate) -> None:
        book = self.market.book(update.instrument)
        before: dict[tuple[int, int], int] = {}
        changes: list[tuple[int, int, int]] = []
        for side, levels in enumerate((update.bids, update.asks)):
            for price, qty in levels:
                had = before.get((side, price), book.sides[side].get(price) or 0)
                if had != qty:
                    before[side, price] = qty
                    changes.append((side, price, qty))
        if changes:
            sides, prices, qtys = (list(column) for column in zip(*changes, strict=True))
            self.market.fold(update.instrument, Step(update.ts_event, sides, prices, qtys, []))

    def _note_losses(self) -> None:
        lost = self.live.trades_lost
        if lost > self._trades_lost:
            event(log, logging.WARNING, "the venue's trades have a hole", lost=lost - self._trades_lost)
            self._trades_lost = lost
            self.market.begin(max(self.market.epoch + 1, time.time_ns() // 1_000_000))

    def _look(self) -> None:
        # a book that becomes live, or stale, is told as a snapshot
        sights = self.live.sights()
        for sight in sights:
            self._tell(sight)
        if all(sight.state == TrustState.LIVE for sight in sights):
            self.is_whole.set()

    def _tell(self, sight: Sight) -> None:
        if self._states.get(sight.symbol) == sight.state:
            return
        level = logging.WARNING if sight.state == "stale" else logging.INFO
        event(log, level, "a venue's book", symbol=sight.symbol, state=sight.state, reason=sight.reason)
        self._states[sight.symbol] = sight.state


async def opened(settings: Settings, text: str) -> Live:
    """Open the live source that `text` names, at the settings' address; errors as `open_live`."""
    return await open_live(text, "" if settings.venue_url == NO_VENUE_URL else settings.venue_url)


async def serve_live(
    settings: Settings, text: str, *, on_ready: Callable[[Gateway], None], ended: asyncio.Event
) -> None:
    """Serve a live venue's market until `ended`; `on_ready` is called when readers may come."""
    live = await opened(settings, text)
    kept = {"tape_rows": settings.tape_rows, "tombstones": settings.tombstones}
    market = Market(live.instruments, time.time_ns() // 1_000_000, **kept)
    async with gateway_of(settings, market, more={"venue": live.statistics}) as gateway:
        following = LiveMarket(market, live, gateway.publish)
        await until_ended(_follow(following, lambda: on_ready(gateway)), ended)
        await gateway.drain(settings.drain_s)


async def _follow(following: LiveMarket, on_ready: Callable[[], None]) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(following.live.run(following.take), name="rtlab venue")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(following.is_whole.wait(), FIRST_S)
        on_ready()


async def record_live(
    settings: Settings,
    text: str,
    target: Target,
    *,
    on_ready: Callable[[Recorder], None],
    ended: asyncio.Event,
    on_raw: Callable[[RawKeeper], None] | None = None,
) -> Recorder:
    """Record a live venue until `ended`; where `on_raw` is given also its messages as they came, and it is told.

    LocalError for those of a venue that does not give them.
    """
    live = await opened(settings, text)
    raw = None
    if on_raw is not None:
        raw = RawKeeper(target, wanted(text).venue)
        live.keep_raw(raw.keep)
        on_raw(raw)
    market = Market(live.instruments, time.time_ns() // 1_000_000)
    async with (
        hot_side(settings, target) as redis,
        writer_of(settings, market, redis) as writer,
        Recorder(redis, *target) as recorder,
        raw or contextlib.nullcontext(),
    ):
        on_ready(recorder)
        await until_ended(live.run(LiveMarket(market, live).take), ended)
        await writer.drained()
        await recorder.reached({symbol: market.state(symbol).position for symbol in market.symbols})
    return recorder
