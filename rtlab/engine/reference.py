"""The engine's plain twin: the same rules written down once more, as simply as they can be.

It is the oracle of the tests. It searches dictionaries where the kernel follows links, and shares with it only
the limits and the conversion of values, so that an error in one of them shows as a difference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.engine import convert
from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SPAN
from rtlab.model.commands import Command
from rtlab.model.enums import (
    CommandKind,
    EventKind,
    Flag,
    OrderType,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from rtlab.model.events import Event
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND

RowArray = npt.NDArray[np.void]
Levels = list[tuple[int, int]]


class _Row(NamedTuple):
    """A COMMAND row, field by field."""

    ts: int
    order_id: int
    owner: int
    price: int
    qty: int
    stop_price: int
    display_qty: int
    expire_ts: int
    min_qty: int
    link_id: int
    trail: int
    instrument: int
    flags: int
    kind: int
    side: int
    order_type: int
    tif: int
    phase: int


@dataclass(eq=False)
class _Order:
    order_id: int
    owner: int
    side: int
    price: int
    qty: int


@dataclass
class _Book:
    """Orders by id, and by side and price in the order in which they came."""

    orders: dict[int, _Order] = field(default_factory=dict)
    queues: tuple[dict[int, list[_Order]], ...] = field(default_factory=lambda: ({}, {}))

    def put(self, order: _Order) -> None:
        self.orders[order.order_id] = order
        self.queues[order.side].setdefault(order.price, []).append(order)

    def drop(self, order: _Order) -> None:
        del self.orders[order.order_id]
        queue = self.queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]

    def prices(self, side: int) -> list[int]:
        return sorted(self.queues[side], reverse=side == Side.BID)

    def total(self, side: int, price: int) -> int:
        return sum(order.qty for order in self.queues[side].get(price, ()))

    def acceptable(self, side: int, limit: int | None) -> list[int]:
        """Give the prices that a taker of `side` would meet, best first; a limit of None accepts all."""
        prices = self.prices(1 - side)
        if limit is None:
            return prices
        return [price for price in prices if (price <= limit if side == Side.BID else price >= limit)]


def _malformed(row: _Row, instruments: int) -> Reason | None:
    if row.instrument >= instruments:
        return Reason.UNKNOWN_INSTRUMENT
    if row.kind not in (CommandKind.NEW, CommandKind.CANCEL, CommandKind.REPLACE):
        return Reason.UNSUPPORTED
    if any((row.stop_price, row.display_qty, row.expire_ts, row.min_qty, row.link_id, row.trail, row.phase)):
        return Reason.UNSUPPORTED
    if row.kind == CommandKind.NEW:
        if row.side not in (Side.BID, Side.ASK) or row.order_type not in (OrderType.LIMIT, OrderType.MARKET):
            return Reason.UNSUPPORTED
        if row.tif not in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK):
            return Reason.UNSUPPORTED
        can_rest = row.tif == TimeInForce.GTC and row.order_type == OrderType.LIMIT
        if row.flags not in ((0, Flag.POST_ONLY) if can_rest else (0,)):
            return Reason.UNSUPPORTED
    elif row.flags:
        return Reason.UNSUPPORTED
    if row.kind == CommandKind.CANCEL:
        return None
    if not 1 <= row.qty <= MAX_QTY:
        return Reason.BAD_QUANTITY
    market = row.kind == CommandKind.NEW and row.order_type == OrderType.MARKET
    return None if market or 0 <= row.price <= MAX_PRICE else Reason.BAD_PRICE


def _refused_to_rest(book: _Book, taker: _Order, standing: _Order | None) -> Reason | None:
    prices = [taker.price, *book.queues[Side.BID], *book.queues[Side.ASK]]
    if max(prices) - min(prices) >= SPAN:
        return Reason.BAD_PRICE
    held = book.total(taker.side, taker.price)
    if standing is not None and standing.price == taker.price:
        held -= standing.qty
    return Reason.BAD_QUANTITY if held + taker.qty > MAX_QTY else None


class ReferenceEngine:
    """Match orders by price and time, in plain Python. Arguments and errors are those of `Engine`."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE,
    ) -> None:
        self._positions = convert.positions(instruments)
        self._symbols = tuple(instrument.symbol for instrument in instruments)
        self._prevention = convert.prevention(self_trade_prevention)
        self._books = [_Book() for _ in instruments]
        self._events: list[convert.Fields] = []
        self._seq = self._command = 0

    def submit(self, command: Command) -> list[Event]:
        """Execute one command; InstrumentError and CommandError as in `Engine.submit`."""
        row = bytearray(COMMAND.itemsize)
        convert.pack(row, command, self._positions)
        return convert.events_of(self.process(np.frombuffer(row, COMMAND)).tolist(), self._symbols)

    def process(self, rows: RowArray) -> RowArray:
        """Execute COMMAND rows and give their events as EVENT rows; CommandError as in `Engine.process`."""
        self._events = []
        for fields in convert.command_rows(rows).tolist():
            self._execute(_Row(*fields))
            self._command += 1
        return convert.event_rows(self._events)

    def book(self, symbol: str, depth: int | None = None) -> tuple[Levels, Levels]:
        """Give the best `depth` levels (None: all) of both sides, best first, as (price, quantity)."""
        book = self._books[convert.position(self._positions, symbol)]
        bids, asks = ([(price, book.total(side, price)) for price in book.prices(side)] for side in Side)
        return bids[:depth], asks[:depth]

    def _execute(self, row: _Row) -> None:
        reason = _malformed(row, len(self._books))
        if reason is None:
            reason = self._change(row, self._books[row.instrument])
        if reason is not None:
            self._tell(row, EventKind.REJECTED, row.side, row.order_id, row.price, row.qty, 0, reason=reason)

    def _change(self, row: _Row, book: _Book) -> Reason | None:
        standing = book.orders.get(row.order_id)
        if row.kind == CommandKind.NEW:
            return Reason.DUPLICATE_ID if standing else self._enter(row, book, None)
        if standing is None:
            return Reason.UNKNOWN_ORDER
        if row.kind == CommandKind.REPLACE:
            if row.price != standing.price or row.qty > standing.qty:
                return self._enter(row, book, standing)
            standing.qty = row.qty
            self._tell(row, EventKind.REPLACED, standing.side, row.order_id, standing.price, row.qty, row.qty)
        else:
            self._done(row, standing, Reason.CANCELLED)
            book.drop(standing)
        self._level(row, book, standing.side, standing.price)
        return None

    def _enter(self, row: _Row, book: _Book, standing: _Order | None) -> Reason | None:
        market = standing is None and row.order_type == OrderType.MARKET
        rests = standing is not None or (row.tif == TimeInForce.GTC and not market)
        taker = _Order(row.order_id, row.owner, row.side, 0 if market else row.price, row.qty)
        if standing is not None:
            taker.owner, taker.side = standing.owner, standing.side
        prices = book.acceptable(taker.side, None if market else row.price)
        reason = _refused_to_rest(book, taker, standing) if rests else None
        reason = reason or self._refused_to_take(row, book, taker, prices)
        if reason is not None:
            return reason
        kind = EventKind.REPLACED if standing else EventKind.ACCEPTED
        self._tell(row, kind, taker.side, row.order_id, taker.price, row.qty, row.qty)
        if standing is not None:
            book.drop(standing)
            if standing.price != taker.price:
                self._level(row, book, standing.side, standing.price)
        met_himself = self._take(row, book, taker, prices)
        if taker.qty > 0 and rests and not met_himself:
            book.put(taker)
            self._level(row, book, taker.side, taker.price)
        else:
            end = Reason.IOC if taker.qty > 0 else Reason.FILLED
            self._done(row, taker, Reason.SELF_TRADE if met_himself else end)
        return None

    def _refused_to_take(self, row: _Row, book: _Book, taker: _Order, prices: list[int]) -> Reason | None:
        if prices and row.flags & Flag.POST_ONLY:
            return Reason.POST_ONLY
        if row.kind == CommandKind.NEW and row.tif == TimeInForce.FOK:
            tradable = sum(maker.qty for maker in self._makers(book, taker, prices))
            return Reason.FOK if tradable < taker.qty else None
        return None

    def _makers(self, book: _Book, taker: _Order, prices: list[int]) -> Iterator[_Order]:
        for price in prices:
            for maker in book.queues[1 - taker.side][price]:
                if not self._same_owner(taker, maker):
                    yield maker
                elif self._prevention == SelfTradePrevention.CANCEL_NEWEST:
                    return

    def _same_owner(self, taker: _Order, maker: _Order) -> bool:
        prevented = self._prevention != SelfTradePrevention.NONE
        return prevented and taker.owner != 0 and taker.owner == maker.owner

    def _take(self, row: _Row, book: _Book, taker: _Order, prices: list[int]) -> bool:
        """Trade, and tell whether the taker met himself and must go."""
        for price in prices:
            events = len(self._events)
            met_himself = self._take_level(row, book, taker, list(book.queues[1 - taker.side][price]))
            if len(self._events) > events:
                self._level(row, book, 1 - taker.side, price)
            if met_himself:
                return True
            if taker.qty == 0:
                break
        return False

    def _take_level(self, row: _Row, book: _Book, taker: _Order, queue: list[_Order]) -> bool:
        for maker in queue:
            if taker.qty == 0:
                break
            if self._same_owner(taker, maker):
                if self._prevention == SelfTradePrevention.CANCEL_NEWEST:
                    return True
                self._done(row, maker, Reason.SELF_TRADE)
                book.drop(maker)
                continue
            traded = min(taker.qty, maker.qty)
            taker.qty -= traded
            maker.qty -= traded
            self._tell(
                row,
                EventKind.TRADE,
                taker.side,
                taker.order_id,
                maker.price,
                traded,
                maker.qty,
                maker_id=maker.order_id,
            )
            if maker.qty == 0:
                self._done(row, maker, Reason.FILLED)
                book.drop(maker)
        return False

    def _done(self, row: _Row, order: _Order, reason: Reason) -> None:
        self._tell(row, EventKind.DONE, order.side, order.order_id, order.price, 0, order.qty, reason=reason)

    def _level(self, row: _Row, book: _Book, side: int, price: int) -> None:
        orders = len(book.queues[side].get(price, ()))
        self._tell(row, EventKind.LEVEL, side, 0, price, book.total(side, price), orders)

    def _tell(
        self,
        row: _Row,
        kind: EventKind,
        side: int,
        order_id: int,
        price: int,
        qty: int,
        remaining: int,
        *,
        maker_id: int = 0,
        reason: Reason = Reason.NONE,
    ) -> None:
        self._seq += 1
        numbers = (self._seq, self._command, row.ts, order_id, maker_id, price, qty, remaining)
        self._events.append((*numbers, row.instrument, int(kind), int(reason), side, 0))
