"""Positions and profit of accounts, kept in a SQLite file from the fills on the bus, each applied once."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rtlab.bus.bus import Bus
from rtlab.bus.event import Topic
from rtlab.bus.fills import FILLS, Fill
from rtlab.bus.handling import Delivery
from rtlab.bus.once import SqliteOnce

BATCH = 500

_TABLE = """
CREATE TABLE IF NOT EXISTS positions (
  account INTEGER NOT NULL, instrument INTEGER NOT NULL,
  qty INTEGER NOT NULL, cash INTEGER NOT NULL, fills INTEGER NOT NULL, PRIMARY KEY (account, instrument)
)"""
_ADD = """
INSERT INTO positions VALUES (?, ?, ?, ?, 1) ON CONFLICT (account, instrument)
DO UPDATE SET qty = qty + excluded.qty, cash = cash + excluded.cash, fills = fills + 1"""


class Position(NamedTuple):
    """What an account has of an instrument: `qty` lots, `cash` in ticks times lots, from so many `fills`."""

    qty: int
    cash: int
    fills: int

    def profit(self, price: int) -> int:
        """Give the profit at `price` ticks, in ticks times lots; exact."""
        return self.cash + self.qty * price


class Positions:
    """Keeps positions in the file at `path`. `attach` it to a bus; any number of processes may share the file."""

    def __init__(self, path: Path | str) -> None:
        self.once = SqliteOnce(path)
        connection = self.once.connect()
        connection.execute(_TABLE)
        connection.close()

    def attach(self, bus: Bus, topic: Topic[Fill] = FILLS, group: str = "positions") -> None:
        """Apply the fills of `topic` for `group`."""
        bus.consume(topic, group, batch=BATCH, prefetch=8 * BATCH)(self.apply)

    def apply(self, deliveries: Sequence[Delivery[Fill]]) -> None:
        """Apply fills, each once, all in one transaction."""
        self.once.apply_all(deliveries, _add)

    def all(self) -> Mapping[tuple[int, int], Position]:
        """Give every position by (account, instrument)."""
        connection = self.once.connect()
        try:
            found = connection.execute("SELECT account, instrument, qty, cash, fills FROM positions")
            return {(account, instrument): Position(*rest) for account, instrument, *rest in found}
        finally:
            connection.close()


def _add(cursor: sqlite3.Cursor, delivery: Delivery[Fill]) -> None:
    fill = delivery.body
    cursor.execute(_ADD, (fill.account, fill.instrument, fill.qty, -fill.qty * fill.price))
