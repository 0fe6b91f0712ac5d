"""Positions and profit of accounts, kept in SQLite or PostgreSQL from the fills on the bus, each applied once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rtlab.bus.bus import Bus
from rtlab.bus.event import Topic
from rtlab.bus.fills import FILLS, Fill
from rtlab.bus.handling import Delivery
from rtlab.bus.once import Cursor, DatabaseOnce, SqliteOnce
from rtlab.errors import ConfigError
from rtlab.extras import extra

BATCH = 500

_TABLE = """
CREATE TABLE IF NOT EXISTS positions (
  account BIGINT NOT NULL, instrument BIGINT NOT NULL,
  qty BIGINT NOT NULL, cash BIGINT NOT NULL, fills BIGINT NOT NULL, PRIMARY KEY (account, instrument)
)"""
_ADD = """
INSERT INTO positions VALUES ({0}, {0}, {0}, {0}, 1) ON CONFLICT (account, instrument)
DO UPDATE SET qty = positions.qty + excluded.qty, cash = positions.cash + excluded.cash, fills = positions.fills + 1"""


class Position(NamedTuple):
    """What an account has of an instrument: `qty` lots, `cash` in ticks times lots, from so many `fills`."""

    qty: int
    cash: int
    fills: int

    def profit(self, price: int) -> int:
        """Give the profit at `price` ticks, in ticks times lots; exact."""
        return self.cash + self.qty * price


class Positions:
    """Keeps positions at `place`: a SQLite file, or the `postgresql://` address of a database.

    `attach` it to a bus; any number of processes may share the place.
    """

    def __init__(self, place: Path | str) -> None:
        self.once = _once(place)
        self.once.make([_TABLE])
        self._statement = _ADD.format(self.once.mark)

    def attach(self, bus: Bus, topic: Topic[Fill] = FILLS, group: str = "positions") -> None:
        """Apply the fills of `topic` for `group`."""
        bus.consume(topic, group, batch=BATCH, prefetch=8 * BATCH)(self.apply)

    def apply(self, deliveries: Sequence[Delivery[Fill]]) -> None:
        """Apply fills, each once, all in one transaction."""
        self.once.apply_all(deliveries, self._add)

    def all(self) -> Mapping[tuple[int, int], Position]:
        """Give every position by (account, instrument)."""
        with self.once.session() as session:
            found = session.execute("SELECT account, instrument, qty, cash, fills FROM positions").fetchall()
        return {(account, instrument): Position(*rest) for account, instrument, *rest in found}

    def close(self) -> None:
        """Let go of the connections to the database."""
        self.once.close()

    def _add(self, cursor: Cursor, delivery: Delivery[Fill]) -> None:
        fill = delivery.body
        cursor.execute(self._statement, (fill.account, fill.instrument, fill.qty, -fill.qty * fill.price))


def _once(place: Path | str) -> DatabaseOnce:
    if not str(place).startswith(("postgresql://", "postgres://")):
        return SqliteOnce(place)
    with extra("postgres", "psycopg", "a database of PostgreSQL", ConfigError):
        from rtlab.bus.once_postgres import PostgresOnce  # late: an extra
    return PostgresOnce(str(place))
