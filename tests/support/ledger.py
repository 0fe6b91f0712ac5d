"""An auditor of EVENT rows: it knows the contract of events and nothing of the engine."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rtlab.model import EventKind, Reason, Side


@dataclass
class Standing:
    side: int
    price: int
    open: int


@dataclass
class Ledger:
    """Follow every order of one instrument, and every level as the LEVEL rows tell it."""

    entering: dict[int, Standing] = field(default_factory=dict)  # accepted in this command, or about to move
    queues: tuple[dict[int, list[int]], dict[int, list[int]]] = field(default_factory=lambda: ({}, {}))
    orders: dict[int, Standing] = field(default_factory=dict)
    levels: tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]] = field(
        default_factory=lambda: ({}, {})
    )
    told: set[tuple[int, int]] = field(default_factory=set)
    accepted: int = 0
    done: int = 0

    def apply(self, event: np.void) -> None:
        kind, order_id, side, price = (int(event[name]) for name in ("kind", "order_id", "side", "price"))
        qty, remaining = int(event["qty"]), int(event["remaining"])
        if kind == EventKind.ACCEPTED:
            assert order_id not in self.orders
            assert qty == remaining > 0
            self.accepted += 1
            self.orders[order_id] = Standing(side, price, qty)
            self.entering[order_id] = self.orders[order_id]
        elif kind == EventKind.REPLACED:
            self._replace(order_id, side, price, qty)
        elif kind == EventKind.TRADE:
            self._trade(order_id, int(event["maker_id"]), side, price, qty, remaining)
        elif kind == EventKind.DONE:
            self._finish(order_id, side, price, remaining, Reason(event["reason"]))
        elif kind == EventKind.LEVEL:
            assert (side, price) not in self.told, "a level is told once a command"
            self.told.add((side, price))
            self.levels[side][price] = (qty, remaining)
            if remaining == 0:
                assert qty == 0
                del self.levels[side][price]

    def end_command(self) -> None:
        """Check what must hold between two commands."""
        for order_id, standing in self.entering.items():
            assert standing.open > 0
            self.queues[standing.side].setdefault(standing.price, []).append(order_id)
        self.entering.clear()
        self.told.clear()
        for side in Side:
            totals = {
                price: (sum(self.orders[order_id].open for order_id in queue), len(queue))
                for price, queue in self.queues[side].items()
            }
            assert totals == self.levels[side], "levels are the sums of the orders that rest"
        bids, asks = self.levels
        assert not bids or not asks or max(bids) < min(asks), "a book is never crossed"

    def book(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        bids, asks = ([(price, qty) for price, (qty, _) in sorted(side.items())] for side in self.levels)
        return bids[::-1], asks

    def _replace(self, order_id: int, side: int, price: int, qty: int) -> None:
        standing = self.orders[order_id]
        assert standing.side == side
        keeps_place = price == standing.price and qty <= standing.open
        if not keeps_place:
            self._leave(order_id)
            self.entering[order_id] = standing
        standing.price, standing.open = price, qty

    def _trade(self, taker_id: int, maker_id: int, side: int, price: int, qty: int, rest: int) -> None:
        taker, maker = self.entering[taker_id], self.orders[maker_id]
        assert taker.side == side == 1 - maker.side
        assert maker.price == price
        prices = self.queues[maker.side]
        assert price == (min(prices) if side == Side.BID else max(prices)), "the best price is taken first"
        assert prices[price][0] == maker_id, "the first to come is served first"
        assert 0 < qty <= min(taker.open, maker.open)
        taker.open -= qty
        maker.open -= qty
        assert maker.open == rest

    def _finish(self, order_id: int, side: int, price: int, remaining: int, reason: Reason) -> None:
        standing = self.orders.pop(order_id)
        assert (standing.side, standing.price, standing.open) == (side, price, remaining)
        assert (remaining == 0) == (reason == Reason.FILLED)
        self.done += 1
        if self.entering.pop(order_id, None) is None:
            self._leave(order_id, standing)

    def _leave(self, order_id: int, standing: Standing | None = None) -> None:
        standing = standing or self.orders[order_id]
        queue = self.queues[standing.side][standing.price]
        queue.remove(order_id)
        if not queue:
            del self.queues[standing.side][standing.price]


def audit(events: npt.NDArray[np.void], instruments: int) -> list[Ledger]:
    """Check all events of an engine's life and give one ledger per instrument."""
    ledgers = [Ledger() for _ in range(instruments)]
    assert events["seq"].tolist() == list(range(1, len(events) + 1))
    commands = events["command"]
    assert (np.diff(commands) >= 0).all()
    for begin, end in _spans(commands):
        rows = events[begin:end]
        assert len(set(rows["instrument"].tolist())) == 1
        instrument = int(rows["instrument"][0])
        if rows["kind"][0] == EventKind.REJECTED:
            assert len(rows) == 1, "a refused command changes nothing"
            continue
        for row in rows:
            ledgers[instrument].apply(row)
        ledgers[instrument].end_command()
    for ledger in ledgers:
        assert ledger.accepted == ledger.done + len(ledger.orders), (
            "one DONE for every order that is not live"
        )
    return ledgers


def _spans(commands: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(commands)) + 1).tolist(), len(commands)]
    return [(begin, end) for begin, end in pairwise(edges) if begin < end]
