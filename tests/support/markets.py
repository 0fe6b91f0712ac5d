"""A market that a test moves by hand."""

from collections.abc import Sequence

import numpy as np

from rtlab.book import Market
from rtlab.model import EVENT, EventKind, Instrument

BTC, ETH = Instrument("BTC-USD", "0.01", "0.001"), Instrument("ETH-USD", "0.05", "0.01")


class HandMarket(Market):
    """A Market of BTC-USD and ETH-USD with words to move it."""

    def __init__(self, epoch: int = 1) -> None:
        super().__init__([BTC, ETH], epoch)
        self._events = 0

    def set_levels(self, *levels: tuple[int, int, int], symbol: str = "BTC-USD", ts: int = 1) -> None:
        """Make levels (side, price, qty) as one batch."""
        self.apply(self._rows(EventKind.LEVEL, levels, symbol, ts))

    def trade(self, *trades: tuple[int, int, int], symbol: str = "BTC-USD", ts: int = 1) -> None:
        """Make trades (aggressor side, price, qty) as one batch."""
        self.apply(self._rows(EventKind.TRADE, trades, symbol, ts))

    def _rows(
        self, kind: EventKind, rows: Sequence[tuple[int, int, int]], symbol: str, ts: int
    ) -> np.ndarray:
        events = np.zeros(len(rows), EVENT)
        events["kind"], events["ts"] = kind, ts
        events["instrument"] = self.symbols.index(symbol)
        for event, (side, price, qty) in zip(events, rows, strict=True):
            self._events += 1
            event["seq"], event["side"], event["price"], event["qty"] = self._events, side, price, qty
        return events
