"""A small market whose newest states are known: what a venue's messages are made of."""

import random
from collections import deque
from decimal import Decimal

Levels = list[tuple[int, int]]
Change = tuple[int, int, int]
"""(side, price in ticks, total quantity in lots)"""

FRESH_NS = 300_000_000
"""A book that is by so much later than the market is as it should be: it came ten times a second, over a socket."""
LEAST = 14  # levels of a side, so that ten are always there
SPREAD = 25  # ticks around the middle in which levels rest


class TruthBook:
    """One instrument: levels that change at random and never cross, and trades."""

    def __init__(self, name: str, seed: int, *, tick: str = "0.1", lot: str = "0.001") -> None:
        self.name, self.tick, self.lot = name, Decimal(tick), Decimal(lot)
        self.rng = random.Random(f"{name}{seed}")
        self.middle = 10_000
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for offset in range(1, 20):
            self.sides[0][self.middle - offset] = self.rng.randint(1, 500)
            self.sides[1][self.middle + offset] = self.rng.randint(1, 500)
        self.trade_id = self.rng.randint(1, 10_000)
        self.recent: deque[tuple[int, tuple[Levels, Levels]]] = deque()
        self.note(0)

    def levels(self, depth: int = 10_000) -> tuple[Levels, Levels]:
        """Give both sides, best first."""
        bids, asks = self.sides
        return sorted(bids.items(), reverse=True)[:depth], sorted(asks.items())[:depth]

    def step(self, count: int | None = None) -> list[Change]:
        """Change some levels; give what changed, in order."""
        made: list[Change] = []
        for _ in range(count or self.rng.randint(1, 5)):
            side = self.rng.randrange(2)
            levels, other = self.sides[side], self.sides[1 - side]
            sign = (-1, 1)[side]
            best_other = min(other) if side == 0 else max(other)
            price = best_other + sign * self.rng.randint(1, SPREAD)
            qty = self.rng.choice([0, 0, *range(1, 6)]) * self.rng.randint(1, 99)
            if not qty and len(levels) <= LEAST:
                qty = 7
            if len(levels) > 3 * LEAST:
                price, qty = (min(levels) if side == 0 else max(levels)), 0
            if levels.get(price, 0) == qty:
                continue
            levels.pop(price, None)
            if qty:
                levels[price] = qty
            made.append((side, price, qty))
        return made

    def note(self, now: int, kept_ns: int = FRESH_NS) -> None:
        """Remember the state of `now`, and forget those that had ended more than `kept_ns` ago."""
        self.recent.append((now, self.levels()))
        while len(self.recent) > 1 and self.recent[1][0] < now - kept_ns:
            self.recent.popleft()

    def was(self, bids: Levels, asks: Levels, depth: int = 10_000) -> bool:
        """Tell whether the market was so at any moment of the last FRESH_NS."""
        return any((b[:depth], a[:depth]) == (bids, asks) for _, (b, a) in self.recent)

    def trade(self) -> tuple[int, int, int, int]:
        """Make a trade: (id, side of the taker, price, quantity)."""
        self.trade_id += 1
        side = self.rng.randrange(2)
        (bids, asks) = self.levels(1)
        return self.trade_id, side, (asks if side == 0 else bids)[0][0], self.rng.randint(1, 50)

    def price(self, ticks: int) -> str:
        """Give a price as a venue writes it."""
        return str(self.tick * ticks)

    def qty(self, lots: int) -> str:
        """Give a quantity as a venue writes it."""
        return str(self.lot * lots)
