"""Binance, spot and USD-M futures: depth diffs that continue each other, snapshots by HTTP, quotes as a judge.

A diff must begin where the last one ended (`U` on spot, `pu` on futures); the first one after a snapshot must reach
it. The stream `bookTicker` comes from the same counter of updates: where both are at one update the best prices and
quantities must be equal; between two quotes a book may differ from the one in force for a moment (the venue leaves
some out), but not for UNEQUAL_S; and where the diffs stay behind the quotes the book is not proved any more. Nothing
that the venue sends checks a level below the best. Twice a second the venue is asked what we are subscribed to; a
book is alive as long as it answers with all of it.

A snapshot has 1,000 levels a side at most. Beyond its worst price only changes are known, and nothing of what rests
there unchanged: so nothing of that is kept, and a book that has used up its range is asked for again.

Documents: "WebSocket Streams" and "How to manage a local order book correctly",
https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams (with the "Important
WebSocket Change Notice" of 2026: depth under /public, trades under /market); "Exchange information" and "Limits" there.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from rtlab.book.venue import VenueBook
from rtlab.errors import GridError
from rtlab.model import DepthSnapshot, DepthUpdate, Level, MarketMessage, Quote, Side, VenueTrade
from rtlab.sources.binance_records import RecordDecoder
from rtlab.sources.venues.kept import KeptBook, Listing
from rtlab.sources.venues.machine import Get, HangUp, Send, VenueMachine

DEPTH = 1000
BEHIND_S = 0.25  # diffs come ten times a second
UNEQUAL_S = 1.0  # of the recorded minutes of 2024 the longest was 0.20 s
_LEAST = 100  # levels of a side that a cut snapshot must still have
_QUOTES = 10_000

BOOK_STREAMS = ("depth@100ms", "bookTicker")
SPOT_STREAMS = (*BOOK_STREAMS, "trade")
TRADE_STREAMS = ("aggTrade",)


class _Payload(msgspec.Struct):
    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    id: int | None = None
    result: list[str] | None = None
    error: msgspec.Raw = msgspec.Raw()
    event: str | None = msgspec.field(default=None, name="e")
    code: int | None = None
    msg: str = ""


class _AggTrade(msgspec.Struct):
    price: str = msgspec.field(name="p")
    qty: str = msgspec.field(name="q")
    first_id: int = msgspec.field(name="f")
    last_id: int = msgspec.field(name="l")
    transacted: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


_decode = msgspec.json.Decoder(_Payload).decode
_decode_agg_trade = msgspec.json.Decoder(_AggTrade).decode


class _Range(NamedTuple):
    """What a cut snapshot reaches: nothing is known of prices beyond."""

    worst_bid: int | None
    worst_ask: int | None

    def within(self, update: DepthUpdate) -> DepthUpdate:
        low, high = self.worst_bid, self.worst_ask
        if low is None and high is None:
            return update
        bids = update.bids if low is None else [one for one in update.bids if one[0] >= low]
        asks = update.asks if high is None else [one for one in update.asks if one[0] <= high]
        return msgspec.structs.replace(update, bids=bids, asks=asks)


class _Side:
    """What Binance's rules need of one book."""

    def __init__(self, kept: KeptBook) -> None:
        self.kept = kept
        self.decoder = RecordDecoder(kept.listing.name, kept.instrument)
        self.quotes: deque[tuple[int, Quote]] = deque(
            maxlen=_QUOTES
        )  # (now, quote) that the book has not reached
        self.range = _Range(None, None)
        self.restart()

    def restart(self) -> None:
        """Wait for a snapshot."""
        self.venue = VenueBook(self.kept.book)
        self._shown: tuple[int, list[Level], int] | None = None  # (last_id, best levels, now), not judged yet
        self._in_force: Quote | None = None
        self._unequal_since: int | None = None

    def moved(self, now: int) -> None:
        """The book is another one."""
        self._shown = (self.venue.last_id, self.best, now)

    def quoted(self, quote: Quote, now: int) -> None:
        """A quote came: those before it are complete, and say what the book had to show until now."""
        self.quotes.append((now, quote))
        if self._shown is not None and quote.update_id > self._shown[0]:
            self._judge(now)
        self._in_force = quote

    def beat(self, now: int) -> None:
        """No quote came for a while: the last one is in force."""
        if self._shown is not None and now - self._shown[2] > BEHIND_S * 1e9:
            self._judge(now)

    def is_doubtful(self, now: int) -> bool:
        """Tell whether the book is behind the quotes, or has not shown them, for longer than the way of a message."""
        since = [self.quotes[0][0]] if self.quotes else []
        if self._unequal_since is not None:
            since.append(self._unequal_since)
        return any(now - one > BEHIND_S * 1e9 for one in since)

    def has_used_its_range(self) -> bool:
        """Tell whether few levels are left of a cut snapshot."""
        bids, asks = self.kept.book.sides
        return (self.range.worst_bid is not None and len(bids) < _LEAST) or (
            self.range.worst_ask is not None and len(asks) < _LEAST
        )

    def differs(self, now: int) -> int | None:
        """Forget the quotes that the book has reached; give the update at which it does not show what it should."""
        found: int | None = None
        while self.quotes and self.quotes[0][1].update_id <= self.venue.last_id:
            quote = self.quotes.popleft()[1]
            if quote.update_id == self.venue.last_id and self.best != _best_of(quote):
                found = quote.update_id
        if found is None and self._unequal_since is not None and now - self._unequal_since > UNEQUAL_S * 1e9:
            return self.venue.last_id
        return found

    @property
    def best(self) -> list[Level]:
        """The best bid and the best ask."""
        return self.kept.book.bids(1) + self.kept.book.asks(1)

    def _judge(self, now: int) -> None:
        assert self._shown is not None
        last_id, best, at = self._shown
        self._shown = None
        if self._in_force is None or self._in_force.update_id > last_id:
            return
        if best == _best_of(self._in_force):
            self._unequal_since = None
        elif self._unequal_since is None:
            self._unequal_since = at


def _best_of(quote: Quote) -> list[Level]:
    return [(quote.bid, quote.bid_qty), (quote.ask, quote.ask_qty)]


class BinanceMachine(VenueMachine):
    """One connection: the given streams of each instrument. `depth_path` is where its snapshots are asked for."""

    def __init__(
        self, listings: Sequence[Listing], depth_path: str, streams: Sequence[str] = SPOT_STREAMS
    ) -> None:
        super().__init__(listings)
        self.keeps_books = "bookTicker" in streams
        self.streams = [f"{name.lower()}@{stream}" for name in self.kept for stream in streams]
        self._depth_path = depth_path
        self._sides = {name.lower(): _Side(kept) for name, kept in self.kept.items()}
        self._number = 0

    def answered(self, get: Get, body: bytes, now: int) -> list[MarketMessage]:
        """Take a depth snapshot in."""
        kept = self.kept[get.name]
        side = self._sides[get.name.lower()]
        try:
            snapshot = side.decoder.snapshot(body, self._wall(now))
        except (ValueError, GridError) as error:
            self.malformed += 1
            kept.trust.unreadable += 1
            self._out_of_step(kept, f"the snapshot cannot be read ({error})", now)
            return []
        if not side.venue.needs_snapshot:
            return []
        side.venue.apply(snapshot)
        if side.venue.needs_snapshot:
            self.stale_snapshots += 1
            kept.broke("the snapshot is older than the updates", now)
            return []
        side.range = _reach(snapshot)
        side.kept.apply(*_beyond(side), snapshot.ts_event)
        if self._is_wrong(side, now):
            return []
        return [kept.synced(now, snapshot.ts_event, self._wall(now))]

    def _subscribe(self, now: int) -> None:
        """Nothing is sent: the streams are named in the address."""

    def _ask(self, kept: KeptBook, now: int) -> None:
        self._request(Get(f"{self._depth_path}?symbol={kept.listing.name}&limit={DEPTH}", kept.listing.name))

    def _beat(self, now: int) -> None:
        self._number += 1
        self._request(Send(f'{{"method":"LIST_SUBSCRIPTIONS","id":{self._number}}}'))

    def _read(self, payload: str | bytes, now: int) -> list[MarketMessage]:
        message = _decode(payload)
        if message.stream is not None:
            return self._stream(message.stream, message.data, now)
        if message.result is not None:
            return self._subscribed(set(message.result), now)
        if message.event == "serverShutdown":
            self._request(HangUp("the venue is about to shut down"))
        elif message.code is not None or bytes(message.error):
            self.refused_count += 1
        elif message.id is None:
            self.unknown += 1
        return []

    def _subscribed(self, streams: set[str], now: int) -> list[MarketMessage]:
        missing = set(self.streams) - streams
        if missing:
            self._request(HangUp(f"the venue does not send {', '.join(sorted(missing))}"))
            return []
        told: list[MarketMessage] = []
        for side in self._sides.values():
            side.beat(now)
            if not side.venue.needs_snapshot and self._is_wrong(side, now):
                continue
            if not side.is_doubtful(now):
                side.kept.trust.beat(now)
                told += side.kept.again(self._wall(now))
        return told

    def _stream(self, stream: str, data: msgspec.Raw, now: int) -> list[MarketMessage]:
        name, _, channel = stream.partition("@")
        side = self._sides.get(name)
        if side is None:
            self.unknown += 1
            return []
        try:
            if channel == "aggTrade":
                return self._agg_trade(side.kept, data, now)
            message = side.decoder.stream(stream, data, self._wall(now))
        except GridError as error:
            side.kept.trust.unreadable += 1
            if channel.startswith("depth"):
                self._out_of_step(side.kept, str(error), now)
            return []
        if isinstance(message, DepthUpdate):
            return self._depth(side, message, now)
        if isinstance(message, Quote):
            return self._quote(side, message, now)
        if isinstance(message, VenueTrade):
            return [message] if side.kept.follows(message.trade_id, message.trade_id) else []
        self.unknown += 1
        return []

    def _depth(self, side: _Side, update: DepthUpdate, now: int) -> list[MarketMessage]:
        kept, waited = side.kept, side.venue.needs_snapshot
        update = side.range.within(update) if not waited else update
        reached = side.venue.apply(update)
        if waited:
            return []
        if side.venue.needs_snapshot:
            kept.trust.gaps += 1
            kept.broke(f"the update {update.first_id} does not follow the last one", now)
            return []
        if not reached:
            return []
        side.moved(now)
        if self._is_wrong(side, now):
            return []
        if not side.is_doubtful(now):
            kept.trust.proved(now)
        return [*kept.give(update.ts_event, update.ts_recv, update.bids, update.asks)]

    def _quote(self, side: _Side, quote: Quote, now: int) -> list[MarketMessage]:
        side.quoted(quote, now)
        if not side.venue.needs_snapshot:
            self._is_wrong(side, now)
        return []

    def _is_wrong(self, side: _Side, now: int) -> bool:
        """Tell whether the book fails a test; then it is out of step by now."""
        kept, differs_at = side.kept, side.differs(now)
        if differs_at is not None:
            reason = f"the book differs from the venue's own quotes at update {differs_at}"
        elif kept.is_crossed:
            reason = "the book's sides cross"
        elif side.has_used_its_range():
            self._out_of_step(kept, "the snapshot's range of prices is used up", now)
            return True
        else:
            return False
        kept.trust.mismatches += 1
        self._out_of_step(kept, reason, now)
        return True

    def _out_of_step(self, kept: KeptBook, reason: str, now: int) -> None:
        self._sides[kept.listing.name.lower()].restart()
        super()._out_of_step(kept, reason, now)

    def _agg_trade(self, kept: KeptBook, data: msgspec.Raw, now: int) -> list[MarketMessage]:
        trade = _decode_agg_trade(data)
        if not kept.follows(trade.first_id, trade.last_id):
            return []
        (price, qty) = kept.levels([(trade.price, trade.qty)])[0]
        return [
            VenueTrade(
                instrument=kept.instrument.symbol,
                ts_event=trade.transacted * 1_000_000,
                ts_recv=self._wall(now),
                trade_id=trade.last_id,
                aggressor_side=Side.ASK if trade.buyer_is_maker else Side.BID,
                price=price,
                qty=qty,
            )
        ]


def _reach(snapshot: DepthSnapshot) -> _Range:
    worst = [levels[-1][0] if len(levels) >= DEPTH else None for levels in (snapshot.bids, snapshot.asks)]
    return _Range(worst[0], worst[1])


def _beyond(side: _Side) -> tuple[list[Level], list[Level]]:
    """What updates that waited for the snapshot have set beyond its reach, as removals."""
    low, high = side.range
    bids = [] if low is None else [(price, 0) for price, _ in side.kept.book.bids() if price < low]
    asks = [] if high is None else [(price, 0) for price, _ in side.kept.book.asks() if price > high]
    return bids, asks
