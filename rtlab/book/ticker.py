"""The ticker: best prices and the last trade of one instrument, a table of one row."""

from struct import pack
from typing import NamedTuple

from rtlab.book.update import AnyUpdate, Update


class TickerRow(NamedTuple):
    """Best bid and ask and the last trade; None where there is none. Ticks, lots, ns."""

    ts_event: int = 0
    bid: int | None = None
    bid_qty: int = 0
    ask: int | None = None
    ask_qty: int = 0
    last: int | None = None
    last_qty: int = 0


def _packed(row: TickerRow) -> bytes:
    return pack("<7q", *(-1 if n is None else n for n in row))


class Ticker:
    """The newest row; `seq` counts how often it changed."""

    def __init__(self, *, epoch: int = 1) -> None:
        self.epoch, self.seq = epoch, 0
        self.row = TickerRow()

    def restart(self, epoch: int) -> None:
        """Start again in a new epoch, empty and from seq 0."""
        self.epoch, self.seq, self.row = epoch, 0, TickerRow()

    def set(self, row: TickerRow) -> bool:
        """Put the newest row; False when, its time apart, it says nothing new."""
        if row[1:] == self.row[1:]:
            return False
        self.row = row
        self.seq += 1
        return True

    def since(self, epoch: int, seq: int, depth: int, held: int) -> AnyUpdate | None:
        """Give the row to who does not have it."""
        if epoch == self.epoch and held and seq >= self.seq:
            return None
        return Update("snapshot", self.epoch, 0, self.seq, 1, self.row.ts_event, self.row)

    def digest(self, depth: int) -> bytes:
        """Give the row."""
        return _packed(self.row)


class TickerView:
    """A reader's ticker."""

    def __init__(self) -> None:
        self.epoch, self.seq, self.held = 0, 0, 0
        self.row = TickerRow()

    def load(self, update: AnyUpdate) -> None:
        """Take the newest row."""
        self.row = TickerRow(*update.body)
        self.epoch, self.seq, self.held = update.epoch, update.last_seq, update.depth

    apply = load

    def digest(self, depth: int) -> bytes:
        """Give the row."""
        return _packed(self.row)
