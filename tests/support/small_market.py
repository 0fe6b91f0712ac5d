"""One instrument whose steps are made by hand, one level change or trade at a time."""

import random

import numpy as np

from rtlab.book import Market
from rtlab.model import EVENT, EventKind, Instrument

BTC = Instrument("BTC-USD", "0.01", "0.001")


class SmallMarket:
    """`step()` folds a batch of 1 to 4 random changes as one step; `market` is what it folds into."""

    def __init__(self, seed: int = 1, epoch: int = 5) -> None:
        self.market = Market([BTC], epoch, tape_rows=20, tombstones=50)
        self.state = self.market.state(BTC.symbol)
        self._random = random.Random(seed)
        self._ts = 0

    def step(self) -> None:
        rnd = self._random
        rows = np.zeros(rnd.randint(1, 4), EVENT)
        for row in rows:
            self._ts += 1
            kind = rnd.choice([EventKind.LEVEL, EventKind.LEVEL, EventKind.TRADE])
            row["kind"], row["side"], row["price"] = kind, rnd.randint(0, 1), rnd.randint(1, 20)
            row["qty"] = rnd.randint(0, 3) + (kind == EventKind.TRADE)
            row["ts"] = self._ts
        self.market.apply(rows)
