"""A book of the past, as the store gives it."""

from typing import NamedTuple

from rtlab.book.text import book_text
from rtlab.model import Instrument, Level


class StoredBook(NamedTuple):
    """A book of the past: levels (price in ticks, qty in lots), best first, right after level change (epoch, seq).

    It prints its best levels in units, as a live book does.
    """

    instrument: Instrument
    epoch: int
    seq: int
    bids: list[Level]
    asks: list[Level]

    def __repr__(self) -> str:
        return book_text(self.instrument, (self.epoch, self.seq), self.bids, self.asks)
