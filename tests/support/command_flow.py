"""A deterministic stream of commands, and the state that an engine must be in after any part of it.

The stream depends on the seed alone, not on how it is cut into batches; the truth folds the engine's LEVEL
and TRADE rows into plain dicts, without any code of the book, the wire or the client.
"""

from typing import NamedTuple

import numpy as np

from rtlab.engine import Engine
from rtlab.model import COMMAND, CommandKind, EventKind, Instrument, OrderType, Side, TimeInForce

BLOCK = 512
INSTRUMENTS = (Instrument("BTC-USD", "0.01", "0.001"), Instrument("ETH-USD", "0.01", "0.01"))


def block(seed: int, number: int) -> np.ndarray:
    """Give the commands `number * BLOCK` and on of the stream `seed`, as COMMAND rows."""
    random = np.random.default_rng((seed, number))
    rows = np.zeros(BLOCK, COMMAND)
    ids = np.arange(number * BLOCK + 1, (number + 1) * BLOCK + 1)
    kind = random.random(BLOCK)
    side = random.integers(0, 2, BLOCK)
    away = random.integers(-2, 40, BLOCK)
    middle = 10_000 + int(60 * np.sin(number / 30))
    rows["ts"] = ids
    rows["order_id"] = ids
    rows["kind"] = CommandKind.NEW
    rows["side"] = side
    rows["price"] = np.where(side == Side.BID, middle - away, middle + away)
    rows["qty"] = random.integers(1, 500, BLOCK)
    market = kind < 0.05
    rows["order_type"][market] = OrderType.MARKET
    rows["tif"][market] = TimeInForce.IOC
    rows["price"][market] = 0
    cancel = kind > 0.55
    rows["kind"][cancel] = CommandKind.CANCEL
    rows["order_id"][cancel] = np.maximum(1, ids - random.integers(1, 1500, BLOCK))[cancel]
    rows["instrument"] = rows["order_id"] % len(INSTRUMENTS)
    return rows


class Flow:
    """The stream `seed` from its beginning, in pieces of any size."""

    def __init__(self, seed: int) -> None:
        self.seed, self.given = seed, 0

    def take(self, count: int) -> np.ndarray:
        """Give the next `count` commands."""
        first, last = self.given, self.given + count
        blocks = [block(self.seed, number) for number in range(first // BLOCK, -(-last // BLOCK))]
        self.given = last
        start = first // BLOCK * BLOCK
        return np.concatenate(blocks)[first - start : last - start] if blocks else np.zeros(0, COMMAND)


class Sums(NamedTuple):
    """Totals over an instrument's trades."""

    count: int
    bought: int
    sold: int


class Truth:
    """What the engine's state is after the stream `seed`, at any sequence of a channel."""

    def __init__(self, seed: int) -> None:
        self._flow, self._engine = Flow(seed), Engine(INSTRUMENTS)
        self._levels: list[list[tuple[int, int, int]]] = [[] for _ in INSTRUMENTS]
        self._trades: list[list[tuple[int, int, int]]] = [[] for _ in INSTRUMENTS]

    def book(self, instrument: int, seq: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Give bids and asks as (price, qty), best first, after the instrument's LEVEL row number `seq`."""
        self._run_until(self._levels[instrument], seq)
        sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for side, price, qty in self._levels[instrument][:seq]:
            sides[side][price] = qty
        bids, asks = ([(price, qty) for price, qty in side.items() if qty] for side in sides)
        return sorted(bids, reverse=True), sorted(asks)

    def trades(self, instrument: int, seq: int) -> list[tuple[int, int, int]]:
        """Give the instrument's first `seq` trades as (price, qty, aggressor side)."""
        self._run_until(self._trades[instrument], seq)
        return self._trades[instrument][:seq]

    def sums(self, instrument: int, seq: int) -> Sums:
        """Give the totals after the instrument's trade number `seq`."""
        trades = self.trades(instrument, seq)
        bought = sum(qty for _, qty, side in trades if side == Side.BID)
        return Sums(len(trades), bought, sum(qty for _, qty, _ in trades) - bought)

    def _run_until(self, rows: list[tuple[int, int, int]], count: int) -> None:
        while len(rows) < count:
            events = self._engine.process(self._flow.take(BLOCK))
            for event in events[(events["kind"] == EventKind.LEVEL) | (events["kind"] == EventKind.TRADE)]:
                target = self._levels if event["kind"] == EventKind.LEVEL else self._trades
                price, qty, side = int(event["price"]), int(event["qty"]), int(event["side"])
                row = (side, price, qty) if target is self._levels else (price, qty, side)
                target[int(event["instrument"])].append(row)
