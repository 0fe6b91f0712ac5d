"""Coinbase Advanced Trade: one sequence over all channels of a connection, and a heartbeat every second.

A hole in `sequence_num` says that a message was lost and not of what: so each instrument has a connection of its
own, and a hole concerns one book. That book is left and subscribed again; the snapshot that comes then must not be
older than what came before it. Nothing checks the content of a book but its sides, which never cross.

Trades name the side of the maker. The first message of their channel repeats the newest ones: after a break it fills
the hole as far as it reaches.

Documents: "Advanced Trade WebSocket Channels", "WebSocket Overview" and "WebSocket Rate Limits",
https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels and beside it; "Get Public
Product", https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-public-product .
"""

from typing import NamedTuple

import msgspec

from rtlab.errors import GridError
from rtlab.model import MarketMessage, Side
from rtlab.sources.venues.kept import KeptBook, Listing
from rtlab.sources.venues.machine import Send, VenueMachine
from rtlab.sources.venues.moments import rfc3339_ns

_OLD_NS = 250_000_000  # a snapshot may be older than the newest message of other channels by so much
CHANNELS = ("heartbeats", "level2", "market_trades")


class _Payload(msgspec.Struct):
    channel: str | None = None
    sequence: int | None = msgspec.field(default=None, name="sequence_num")
    timestamp: str = ""
    events: msgspec.Raw = msgspec.Raw(b"[]")
    type: str = ""
    message: str = ""


class _Change(msgspec.Struct):
    side: str
    price: str = msgspec.field(name="price_level")
    qty: str = msgspec.field(name="new_quantity")


class _BookEvent(msgspec.Struct):
    type: str
    product: str = msgspec.field(name="product_id")
    updates: list[_Change] = []


class _Trade(msgspec.Struct):
    trade_id: str
    product: str = msgspec.field(name="product_id")
    price: str
    size: str
    side: str
    time: str


class _TradeEvent(msgspec.Struct):
    type: str
    trades: list[_Trade] = []


_decode = msgspec.json.Decoder(_Payload).decode
_decode_books = msgspec.json.Decoder(list[_BookEvent]).decode
_decode_trades = msgspec.json.Decoder(list[_TradeEvent]).decode


class _Came(NamedTuple):
    """When a message came, by three clocks: monotonic, the venue's, and ours."""

    now: int
    ts_event: int
    ts_recv: int


class CoinbaseMachine(VenueMachine):
    """One connection, for the book and the trades of one instrument."""

    has_sequence = True

    def __init__(self, listing: Listing) -> None:
        super().__init__([listing])
        self._kept = self.kept[listing.name]
        self._sequence: int | None = None
        self._newest = self._newest_of_book = 0  # timestamps of the venue

    def _subscribe(self, now: int) -> None:
        self._sequence = None
        for channel in CHANNELS:
            self._send("subscribe", channel)
        self._kept.asking.asked(now)

    def _ask(self, kept: KeptBook, now: int) -> None:
        self._send("unsubscribe", "level2")
        self._send("subscribe", "level2")

    def _send(self, kind: str, channel: str) -> None:
        products = {} if channel == "heartbeats" else {"product_ids": list(self.kept)}
        self._request(Send(msgspec.json.encode({"type": kind, "channel": channel, **products}).decode()))

    def _read(self, payload: str | bytes, now: int) -> list[MarketMessage]:
        message = _decode(payload)
        if message.sequence is None:
            self._without_sequence(message, now)
            return []
        if not self._follows(message.sequence, now):
            return []
        ts_recv = self._wall(now)
        try:
            came = _Came(now, rfc3339_ns(message.timestamp) if message.timestamp else ts_recv, ts_recv)
            told = self._events(message, came)
        except ValueError:
            # its number is used up: no hole will tell that it was lost
            self._kept.broke(f"the message {message.sequence} cannot be read", now)
            raise
        self._newest = max(self._newest, came.ts_event)
        # nothing was lost up to here: so the book is what it was made to be
        self._kept.trust.proved(now)
        return told or [*self._kept.again(ts_recv)]

    def _without_sequence(self, message: _Payload, now: int) -> None:
        if message.type == "error":
            self.refused_count += 1
            if not self._kept.trust.in_step:
                self._kept.broke(f"the venue refused: {message.message}", now)
        else:
            self.unknown += 1

    def _follows(self, sequence: int, now: int) -> bool:
        last, kept = self._sequence, self._kept
        if last is not None and sequence <= last:
            return False
        self._sequence = sequence
        if last is not None and sequence > last + 1:
            kept.trust.gaps += 1
            kept.broke(f"the messages {last + 1} to {sequence - 1} were lost", now)
        return True

    def _events(self, message: _Payload, came: _Came) -> list[MarketMessage]:
        told: list[MarketMessage] = []
        if message.channel == "l2_data":
            for event in _decode_books(message.events):
                told += self._book(event, came)
        elif message.channel == "market_trades":
            for trades in _decode_trades(message.events):
                told += self._trades(trades, came)
        elif message.channel not in ("heartbeats", "subscriptions"):
            self.unknown += 1
        return told

    def _book(self, event: _BookEvent, came: _Came) -> list[MarketMessage]:
        kept, is_snapshot = self._kept, event.type == "snapshot"
        if event.product != kept.listing.name:
            self.unknown += 1
            return []
        if not is_snapshot:
            self._newest_of_book = max(self._newest_of_book, came.ts_event)
        if not is_snapshot and not kept.trust.in_step:
            return []
        if is_snapshot and came.ts_event < max(self._newest_of_book, self._newest - _OLD_NS):
            self.stale_snapshots += 1
            kept.broke("the snapshot is older than what came before it", came.now)
            return []
        try:
            bids = kept.levels((one.price, one.qty) for one in event.updates if one.side == "bid")
            asks = kept.levels((one.price, one.qty) for one in event.updates if one.side != "bid")
        except GridError as error:
            kept.trust.unreadable += 1
            kept.broke(str(error), came.now)
            return []
        if is_snapshot:
            kept.load(bids, asks, came.ts_event)
        else:
            kept.apply(bids, asks, came.ts_event)
        if kept.is_crossed:
            kept.trust.mismatches += 1
            kept.broke("the book's sides cross", came.now)
            return []
        if is_snapshot:
            return [kept.synced(came.now, came.ts_event, came.ts_recv)]
        kept.trust.proved(came.now)
        return [*kept.give(came.ts_event, came.ts_recv, bids, asks)]

    def _trades(self, event: _TradeEvent, came: _Came) -> list[MarketMessage]:
        kept = self._kept
        trades = sorted((one for one in event.trades), key=lambda one: int(one.trade_id))
        if event.type == "snapshot" and trades and kept.begins_at(int(trades[-1].trade_id)):
            return []
        told: list[MarketMessage] = []
        for trade in trades:
            side = Side.ASK if trade.side == "BUY" else Side.BID  # the maker's is told, the taker's is wanted
            try:
                made = kept.trade(
                    int(trade.trade_id), side, trade.price, trade.size, rfc3339_ns(trade.time), came.ts_recv
                )
            except GridError:
                kept.trust.unreadable += 1
                continue
            if made is not None:
                told.append(made)
        return told
