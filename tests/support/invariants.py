"""What holds for the events of every market, whatever its orders: an auditor that knows only the rows.

It follows every order from ACCEPTED to DONE, every level as LEVEL rows tell it, and every market's phase.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtlab.model import EventKind, Phase, Reason, Side

RowArray = npt.NDArray[np.void]


@dataclass
class Followed:
    side: int
    open: int


@dataclass
class Invariants:
    """One instrument."""

    live: dict[int, Followed] = field(default_factory=dict)
    levels: tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]] = field(
        default_factory=lambda: ({}, {})
    )
    phase: int = Phase.CONTINUOUS
    accepted: int = 0
    ended: int = 0
    crossed: int = 0  # lots that the auction has traded so far

    def follow(self, event: np.void) -> None:
        kind, order_id, side = int(event["kind"]), int(event["order_id"]), int(event["side"])
        qty, remaining = int(event["qty"]), int(event["remaining"])
        if kind == EventKind.ACCEPTED:
            assert order_id not in self.live, "an id is live once"
            assert 0 <= remaining <= qty > 0, "nobody sees more than there is"
            self.live[order_id] = Followed(side, qty)
            self.accepted += 1
        elif kind == EventKind.REPLACED:
            assert self.live[order_id].side == side
            assert event["reason"] != Reason.SELF_TRADE or qty < self.live[order_id].open
            self.live[order_id].open = qty
        elif kind == EventKind.TRIGGERED:
            assert self.live[order_id].open == qty
        elif kind == EventKind.REFILLED:
            assert 0 < qty <= remaining == self.live[order_id].open
        elif kind == EventKind.TRADE:
            self._trade(event)
        elif kind == EventKind.DONE:
            order = self.live.pop(order_id)
            assert (order.side, order.open) == (side, remaining)
            assert (remaining == 0) == (event["reason"] == Reason.FILLED)
            self.ended += 1
        elif kind == EventKind.LEVEL:
            self._level(side, int(event["price"]), qty, remaining)
        elif kind == EventKind.PHASE:
            if remaining in (Phase.CONTINUOUS, Phase.CLOSED):
                assert qty == self.crossed, "an auction tells what it traded"
            self.phase, self.crossed = remaining, 0

    def _trade(self, event: np.void) -> None:
        qty, taker, maker = int(event["qty"]), int(event["order_id"]), int(event["maker_id"])
        assert self.phase == Phase.CONTINUOUS or event["side"] == Side.BID, "an auction's takers are its bids"
        self.crossed += qty if self.phase != Phase.CONTINUOUS else 0
        assert self.live[taker].side == event["side"] == 1 - self.live[maker].side
        assert 0 < qty <= min(self.live[taker].open, self.live[maker].open)
        self.live[taker].open -= qty
        self.live[maker].open -= qty
        assert self.live[maker].open == event["remaining"]

    def _level(self, side: int, price: int, qty: int, orders: int) -> None:
        assert (qty == 0) == (orders == 0)
        assert qty >= orders
        if qty:
            self.levels[side][price] = (qty, orders)
        else:
            self.levels[side].pop(price, None)

    def between_commands(self) -> None:
        bids, asks = self.levels
        if self.phase == Phase.CONTINUOUS and bids and asks:
            assert max(bids) < min(asks), "no book is crossed while orders trade as they come"
        assert all(order.open > 0 for order in self.live.values()), "what is filled has ended"
        for side in Side:
            shown = sum(qty for qty, _ in self.levels[side].values())
            assert shown <= sum(order.open for order in self.live.values() if order.side == side)

    def book(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        bids, asks = ([(price, qty) for price, (qty, _) in sorted(side.items())] for side in self.levels)
        return bids[::-1], asks


class Auditor:
    """All instruments of an engine; `hear` takes the events of one command after another."""

    def __init__(self, instruments: int) -> None:
        self.markets = [Invariants() for _ in range(instruments)]
        self.seq = 0
        self.command = -1

    def hear(self, events: RowArray) -> None:
        """Follow all events of one command."""
        assert len(events), "no command is without an answer"
        assert events["seq"].tolist() == list(range(self.seq + 1, self.seq + 1 + len(events)))
        assert set(events["command"].tolist()) == {self.command + 1}
        self.seq += len(events)
        self.command += 1
        refused = events["kind"] == EventKind.REJECTED
        assert refused.sum() <= 1
        assert not refused[:-1].any(), "a refusal is the last word"
        for event in events:
            if event["kind"] != EventKind.REJECTED:
                self.markets[int(event["instrument"])].follow(event)
        for market in self.markets:
            market.between_commands()
            assert market.accepted == market.ended + len(market.live), "every order ends exactly once"
