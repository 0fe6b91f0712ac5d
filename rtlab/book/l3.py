"""L3: every resting order of one instrument, in the order in which it will be filled."""

from typing import NamedTuple

import numpy as np

from rtlab.book.table import KeyedTable
from rtlab.book.update import WHOLE, AnyUpdate
from rtlab.model import EventKind, Level, Side

_ACCEPTED, _REPLACED = int(EventKind.ACCEPTED), int(EventKind.REPLACED)
_TRADE, _DONE = int(EventKind.TRADE), int(EventKind.DONE)
_COLUMNS = ("kind", "order_id", "maker_id", "side", "price", "qty", "remaining", "ts")


class OrderRow(NamedTuple):
    """One resting order: price in ticks, open quantity in lots."""

    order_id: int
    side: int
    price: int
    qty: int


class L3Book(KeyedTable[tuple[int, ...]]):
    """Orders by rank: of two at a price, the one with the lower rank is filled first.

    As a source it is one table, keyed by rank and always whole; `seq` counts changes of orders. An order keeps
    its rank until it is done, or until a replacement costs it its priority.
    """

    def __init__(self, *, epoch: int = 1, tombstones: int = 1 << 16) -> None:
        super().__init__((1,), (), epoch=epoch, tombstones=tombstones)

    def _clear(self) -> None:
        super()._clear()
        self._ranks: dict[int, int] = {}  # by order id
        self._orders: dict[int, OrderRow] = {}  # by rank
        self._last_rank = 0
        # by side: price -> ranks in time order
        self._queues: tuple[dict[int, dict[int, None]], dict[int, dict[int, None]]] = ({}, {})
        self._touched: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def apply(self, events: np.ndarray) -> None:
        """Fold EVENT rows of this one instrument, whole commands at a time."""
        columns = (events[name].tolist() for name in _COLUMNS)
        ranks = self._ranks
        for kind, order_id, maker_id, side, price, qty, remaining, ts in zip(*columns, strict=True):
            self.ts = ts
            if kind == _ACCEPTED:
                self._enter(OrderRow(order_id, side, price, qty))
            elif kind == _TRADE:
                if maker_id in ranks:
                    self._reduce(ranks[maker_id], remaining)
                if order_id in ranks:
                    self._reduce(ranks[order_id], self._orders[ranks[order_id]].qty - qty)
            elif kind == _DONE and order_id in ranks:
                self._leave(order_id)
            elif kind == _REPLACED and order_id in ranks:
                self._replace(OrderRow(order_id, side, price, qty))
        self._tell()

    def _enter(self, order: OrderRow) -> None:
        self._last_rank = rank = self._last_rank + 1
        self._ranks[order.order_id] = rank
        self._orders[rank] = order
        self._queues[order.side].setdefault(order.price, {})[rank] = None
        self._touched[rank] = None

    def _leave(self, order_id: int) -> None:
        rank = self._ranks.pop(order_id)
        order = self._orders.pop(rank)
        queue = self._queues[order.side][order.price]
        del queue[rank]
        if not queue:
            del self._queues[order.side][order.price]
        self._touched[rank] = None

    def _reduce(self, rank: int, qty: int) -> None:
        self._orders[rank] = self._orders[rank]._replace(qty=qty)
        self._touched[rank] = None

    def _replace(self, order: OrderRow) -> None:
        old = self._orders[self._ranks[order.order_id]]
        if order.price == old.price and order.qty <= old.qty:
            self._reduce(self._ranks[order.order_id], order.qty)
        else:
            self._leave(order.order_id)
            self._enter(order)

    def _tell(self) -> None:
        # once per order and batch: what came and went within it is nobody's news
        rows = self.sides[0].rows
        for rank in self._touched:
            order = self._orders.get(rank)
            if order is not None:
                self.change(0, rank, order, self.ts)
            elif rank in rows:
                self.change(0, rank, (), self.ts)
        self._touched.clear()

    def since(self, epoch: int, seq: int, depth: int, held: int) -> AnyUpdate | None:
        """Tell a reader what it lacks; a part of the orders is never told."""
        return super().since(epoch, seq, WHOLE, held and WHOLE)

    def order(self, order_id: int) -> OrderRow | None:
        """Give a resting order, or None."""
        return self._orders[self._ranks[order_id]] if order_id in self._ranks else None

    def queue(self, side: Side, price: int) -> list[OrderRow]:
        """Give the orders at a price, first to be filled first."""
        return [self._orders[rank] for rank in self._queues[side].get(price, ())]

    def bids(self, depth: int = WHOLE) -> list[Level]:
        """Give the best `depth` bids as (price, total quantity), best first."""
        return self._levels(Side.BID, depth)

    def asks(self, depth: int = WHOLE) -> list[Level]:
        """Give the best `depth` asks as (price, total quantity), best first."""
        return self._levels(Side.ASK, depth)

    def _levels(self, side: Side, depth: int) -> list[Level]:
        queues = self._queues[side]
        prices = sorted(queues, reverse=side is Side.BID)[:depth]
        return [(price, sum(self._orders[rank].qty for rank in queues[price])) for price in prices]

    def digest(self, depth: int) -> bytes:
        """Give the orders as the checksum reads them: little-endian int64 (rank, order id, side, price, qty)."""
        rows = [(rank, *row) for rank, row in self.sides[0].top(WHOLE)]
        return np.array(rows, "<i8").tobytes()
