"""A small random market for the views: levels, trades and bars, the same for the same seed."""

import random
from decimal import Decimal

from rtlab.model import Instrument

BTC = Instrument("BTC-USD", Decimal("0.10"), Decimal("0.001"))
ETH = Instrument("ETH-USD", Decimal("0.01"), Decimal("0.0001"))
SECOND = 1_000_000_000
NOON = 1_790_000_000 * SECOND

Levels = list[tuple[int, int]]


class RandomMarket:
    def __init__(self, seed: int = 1, *, middle: int = 612_345, depth: int = 60, now: int = NOON) -> None:
        self.random = random.Random(seed)
        self.middle, self.depth, self.now = middle, depth, now
        self.bars: dict[int, tuple[int, ...]] = {}
        self.last = middle

    def levels(self) -> tuple[Levels, Levels]:
        self.middle += self.random.choice((-1, 0, 0, 1))
        sizes = [int(self.random.lognormvariate(6, 1.2)) + 1 for _ in range(2 * self.depth)]
        bids = [(self.middle - 1 - i, sizes[i]) for i in range(self.depth)]
        asks = [(self.middle + 1 + i, sizes[self.depth + i]) for i in range(self.depth)]
        return bids, asks

    def trades(self, count: int, *, every: int = SECOND // 20) -> dict[str, list[int]]:
        columns: dict[str, list[int]] = {"ts": [], "ticks": [], "lots": [], "side": []}
        for _ in range(count):
            self.now += every
            side = self.random.randint(0, 1)
            self.last = self.middle + (1 if side == 0 else -1)
            lots = self.random.randint(1, 9_999)
            for name, value in zip(columns, (self.now, self.last, lots, side), strict=True):
                columns[name].append(value)
            self._fold(self.now, self.last, lots)
            self.middle += self.random.choice((-1, 0, 0, 1))
        return columns

    def newest_bars(self, count: int) -> list[tuple[int, ...]]:
        return [self.bars[start] for start in sorted(self.bars, reverse=True)[:count]]

    def _fold(self, ts: int, price: int, lots: int) -> None:
        start = ts - ts % SECOND
        bar = self.bars.get(start, (start, price, price, price, price, 0, 0))
        _, first, high, low, _, volume, trades = bar
        self.bars[start] = (start, first, max(high, price), min(low, price), price, volume + lots, trades + 1)
