"""Kraken, spot, WebSocket v2: every message of a book carries the CRC32 of its best ten levels a side.

A book is followed to a depth of ten: then the checksum is over all of it, and nothing wrong can stay. With more,
what lies deeper than ten is as the venue sends it, and nothing proves it. A book whose checksum differs is left and
subscribed again, alone. When there is nothing to say a heartbeat comes about once a second.

Documents: "Book" and "Instrument" of https://docs.kraken.com/api/docs/websocket-v2/book and
https://docs.kraken.com/api/docs/websocket-v2/instrument; "Book checksum (WebSocket v2)",
https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2 ; "Heartbeat" and "Trade" beside them.
"""

from collections.abc import Sequence
from zlib import crc32

import msgspec

from rtlab.errors import GridError
from rtlab.model import MarketMessage, Side
from rtlab.sources.venues.kept import KeptBook, Listing, plain
from rtlab.sources.venues.machine import Send, VenueMachine
from rtlab.sources.venues.moments import rfc3339_ns

CHECKED_DEPTH = 10
DEPTHS = (10, 25, 100, 500, 1000)


class _Payload(msgspec.Struct):
    channel: str | None = None
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()
    method: str | None = None
    success: bool = True
    error: str = ""
    symbol: str | None = None


class _Level(msgspec.Struct):
    price: msgspec.Raw
    qty: msgspec.Raw


class _Book(msgspec.Struct):
    symbol: str
    checksum: int
    bids: list[_Level] = []
    asks: list[_Level] = []
    timestamp: str = ""


class _Trade(msgspec.Struct):
    symbol: str
    side: str
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: int
    timestamp: str


_decode = msgspec.json.Decoder(_Payload).decode
_decode_books = msgspec.json.Decoder(list[_Book]).decode
_decode_trades = msgspec.json.Decoder(list[_Trade]).decode


def checksum(kept: KeptBook) -> int:
    """Give the CRC32 that Kraken gives of this book: asks, then bids, the best ten of each, as digits."""
    listing, instrument = kept.listing, kept.instrument
    tick = int(instrument.tick_size.scaleb(listing.price_places))
    lot = int(instrument.lot_size.scaleb(listing.qty_places))
    best = kept.book.asks(CHECKED_DEPTH) + kept.book.bids(CHECKED_DEPTH)
    return crc32("".join(f"{price * tick}{qty * lot}" for price, qty in best).encode())


class KrakenMachine(VenueMachine):
    """One connection for the books and trades of all its instruments."""

    def __init__(self, listings: Sequence[Listing], depth: int = CHECKED_DEPTH) -> None:
        super().__init__(listings)
        self.depth = depth

    def _subscribe(self, now: int) -> None:
        names = list(self.kept)
        self._send("subscribe", "trade", names)
        self._send("subscribe", "book", names)
        for kept in self.kept.values():
            kept.asking.asked(now)

    def _ask(self, kept: KeptBook, now: int) -> None:
        self._send("unsubscribe", "book", [kept.listing.name])
        self._send("subscribe", "book", [kept.listing.name])

    def _beat(self, now: int) -> None:
        self._request(Send('{"method":"ping"}'))

    def _send(self, method: str, channel: str, names: list[str]) -> None:
        params: dict[str, object] = {"channel": channel, "symbol": names}
        if channel == "book":
            params["depth"] = self.depth
        if method == "subscribe":
            params["snapshot"] = True
        self._request(Send(msgspec.json.encode({"method": method, "params": params}).decode()))

    def _read(self, payload: str | bytes, now: int) -> list[MarketMessage]:
        message = _decode(payload)
        if message.method is not None:
            self._answer(message, now)
            return self._alive(now) if message.method == "pong" else []
        if message.channel == "book":
            told: list[MarketMessage] = []
            for book in _decode_books(message.data):
                told += self._book(book, message.type == "snapshot", now)
            return told
        if message.channel == "trade":
            return self._trades(_decode_trades(message.data), message.type == "snapshot", now)
        if message.channel == "heartbeat":
            return self._alive(now)
        if message.channel != "status":
            self.unknown += 1
        return []

    def _answer(self, message: _Payload, now: int) -> None:
        # who leaves a book that it does not follow is told so: nothing is lost by that
        if message.success or message.method == "unsubscribe":
            return
        self.refused_count += 1
        kept = self.kept.get(message.symbol or "")
        if kept is not None:
            kept.broke(f"the venue refused: {message.error}", now)

    def _book(self, book: _Book, is_snapshot: bool, now: int) -> list[MarketMessage]:
        kept = self.kept.get(book.symbol)
        if kept is None:
            self.unknown += 1
            return []
        if not is_snapshot and not kept.trust.in_step:
            return []
        ts_recv = self._wall(now)
        ts = rfc3339_ns(book.timestamp) if book.timestamp else ts_recv
        try:
            bids = kept.levels((plain(one.price), plain(one.qty)) for one in book.bids)
            asks = kept.levels((plain(one.price), plain(one.qty)) for one in book.asks)
        except GridError as error:
            kept.trust.unreadable += 1
            kept.broke(str(error), now)
            return []
        if is_snapshot:
            kept.load(bids, asks, ts)
        else:
            kept.apply(bids, asks, ts)
        gone_bids, gone_asks = kept.cut(self.depth)
        if checksum(kept) != book.checksum or kept.is_crossed:
            kept.trust.mismatches += 1
            self.stale_snapshots += is_snapshot
            kept.broke("the book's checksum differs from the venue's", now)
            return []
        if is_snapshot:
            return [kept.synced(now, ts, ts_recv)]
        kept.trust.proved(now)
        return [*kept.give(ts, ts_recv, bids + gone_bids, asks + gone_asks)]

    def _trades(self, trades: list[_Trade], is_snapshot: bool, now: int) -> list[MarketMessage]:
        trades = sorted(trades, key=lambda one: one.trade_id)
        known = [one for one in trades if one.symbol in self.kept]
        self.unknown += len(trades) - len(known)
        if is_snapshot:
            newest = {one.symbol: one.trade_id for one in known}
            first = {name for name, trade_id in newest.items() if self.kept[name].begins_at(trade_id)}
            known = [one for one in known if one.symbol not in first]
        told: list[MarketMessage] = []
        for one in known:
            told += self._trade(self.kept[one.symbol], one, now)
        return told

    def _trade(self, kept: KeptBook, trade: _Trade, now: int) -> list[MarketMessage]:
        side = Side.BID if trade.side == "buy" else Side.ASK  # of the taker
        price, qty, ts = plain(trade.price), plain(trade.qty), rfc3339_ns(trade.timestamp)
        try:
            made = kept.trade(trade.trade_id, side, price, qty, ts, self._wall(now))
        except GridError:
            kept.trust.unreadable += 1
            return []
        return [] if made is None else [made]
