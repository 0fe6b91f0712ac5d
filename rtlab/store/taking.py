"""A recorder's side of one instrument: entries of its stream in, rows in order out, and every gap by name.

    entry begins where we stand          its steps are taken
    it begins before                     the rest of it is taken: Redis lost entries, and they were written again
    it begins later, or in a newer epoch a gap: what lies between is lost, and we go on where it begins
    it has no steps                      the market jumped there: we go on there, with the state that it carries
    its chain is not ours                two histories under one epoch, which must never be: told as a gap as well

After a gap the book is unknown until the stream comes to the point of a packed state.
"""

from typing import NamedTuple

import numpy as np

from rtlab.book import InstrumentState, load_state
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.schema import Levels
from rtlab.store.entry import Entry, StoredState, unpack_state
from rtlab.store.keys import Point


class Known(NamedTuple):
    """The whole book at a point of an instrument's history."""

    stand: Stand
    levels: Levels


class Begin(NamedTuple):
    """The record goes on at `stand`, where the book is `levels` (None: unknown); why it could not follow."""

    stand: Stand
    levels: Levels | None
    reason: str


def known_of(instrument: Instrument, stored: StoredState) -> Known:
    """Give the book of a packed state; errors as those of `load_state`."""
    state = InstrumentState(instrument, stored.epoch, 1, 0)
    load_state(state, stored.state)
    book, trades = state.book, state.tape.seq
    sides = [np.array(rows, np.int64).reshape(len(rows), 2) for rows in (book.bids(), book.asks())]
    side = np.repeat(np.arange(2, dtype=np.int64), [len(rows) for rows in sides])
    both = np.concatenate(sides)
    levels = Levels.empty().fold(side, both[:, 0], both[:, 1])
    return Known(Stand(stored.epoch, stored.position, book.seq, trades, book.ts), levels)


class Taking:
    """Follows one instrument from `stand` (of epoch 0: from wherever its stream begins) into `rows`."""

    def __init__(self, instrument: Instrument, stand: Stand) -> None:
        self.instrument = instrument
        self.rows = StepRows(stand)
        self.contradictions = 0
        self._chain: int | None = None
        self.expected: Known | None = None
        """The book of a state that lies ahead, while the one where we stand is unknown."""

    @property
    def stand(self) -> Stand:
        """Where the rows taken so far end."""
        return self.rows.stand

    @property
    def point(self) -> Point:
        """The same as the stream's entries name it."""
        return Point(self.stand.epoch, self.stand.position)

    def begins(self, end: Point, entry: Entry, state: bytes | None) -> Begin | None:
        """Tell whether an entry that ends at `end` does not follow; then `begin` there, and `take` it."""
        stand = self.stand
        if end <= self.point:
            return None
        if not entry.steps and state is not None:
            known = known_of(self.instrument, unpack_state(state))
            return Begin(known.stand, known.levels, self._why(end, "the market jumped"))
        before = Stand(end.epoch, entry.before, entry.before - entry.trades, entry.trades, stand.ts)
        if end.epoch > stand.epoch or entry.before > stand.position:
            return Begin(before, None, self._why(end, "entries are lost"))
        if entry.before == stand.position and self._chain not in (None, entry.chain_before):
            self.contradictions += 1
            return Begin(stand, None, "another history under the same epoch")
        return None

    def _why(self, end: Point, what: str) -> str:
        if not self.stand.epoch:
            return "start"
        return "a new epoch" if end.epoch > self.stand.epoch else what

    def begin(self, begin: Begin) -> None:
        """Go on elsewhere; the rows must have been taken out."""
        self.rows = StepRows(begin.stand)
        self._chain = self.expected = None

    def take(self, end: Point, entry: Entry) -> Known | None:
        """Take what is new in an entry; give the book when it becomes known here."""
        if end <= self.point:
            return None
        position, at = self.stand.position, entry.before
        for step in entry.steps:
            if at >= position:
                self.rows.add(step)
            at += step.changes
        self._chain = entry.chain
        expected = self.expected
        if expected is not None and (expected.stand.epoch, expected.stand.position) <= self.point:
            self.expected = None
            if (expected.stand.epoch, expected.stand.position) == self.point:
                return expected
        return None
