"""A book kept in step with a venue: buffer, snapshot, continuity, and healing after a gap.

    WAITING   updates are buffered until a snapshot comes that they follow
    IN STEP   each update must begin where the last one ended

A snapshot brings WAITING to IN STEP when the first buffered update that is not wholly contained in it begins
at or before its end; the book then takes the snapshot's levels by the least changes within its epoch, and the
buffered updates after it. An update that does not begin where the last one ended is a gap: IN STEP goes back to
WAITING with that update in the buffer, and the book stays what it was until a snapshot heals it. A snapshot
that comes while IN STEP says nothing new and is passed over.
Where an update begins: at `prev_id` where the venue gives it (futures), else right before `first_id` (spot).
"""

from collections import deque
from typing import NamedTuple

from rtlab.book.l2 import L2Book
from rtlab.model import DepthSnapshot, DepthUpdate, Side


class Reached(NamedTuple):
    """The book's `seq` right after the venue's update `last_id`: nothing else changed it in between."""

    last_id: int
    seq: int


class VenueStatistics(NamedTuple):
    """What became of a venue's messages: `forgotten` left the full buffer, `old` and `stale` said nothing new."""

    applied: int
    snapshots: int
    gaps: int
    old: int
    stale: int
    buffered: int
    forgotten: int


def _begins_after(update: DepthUpdate) -> int:
    return update.first_id - 1 if update.prev_id is None else update.prev_id


class VenueBook:
    """Feeds one L2Book from a venue's depth messages, given in the order in which they were received.

    At most `buffer` updates wait for a snapshot; then the oldest are forgotten, and only a later snapshot will do.
    """

    def __init__(self, book: L2Book, *, buffer: int = 10_000) -> None:
        self.book = book
        self.last_id = -1  # the venue's id at which the book stands; -1 before the first snapshot
        self._in_step = False
        self._fresh = False  # nothing was applied since the snapshot
        self._buffer: deque[DepthUpdate] = deque(maxlen=buffer)
        self._applied = self._snapshots = self._gaps = self._old = self._stale = self._forgotten = 0

    @property
    def needs_snapshot(self) -> bool:
        """Whether the book waits for a snapshot: at the start, and after a gap."""
        return not self._in_step

    def apply(self, message: DepthUpdate | DepthSnapshot) -> list[Reached]:
        """Take one message in; give the updates that the book went through, oldest first."""
        if isinstance(message, DepthSnapshot):
            return self._load(message)
        if not self._in_step:
            self._wait(message)
            return []
        return self._follow(message)

    def statistics(self) -> VenueStatistics:
        """Count what became of the messages."""
        return VenueStatistics(
            self._applied,
            self._snapshots,
            self._gaps,
            self._old,
            self._stale,
            len(self._buffer),
            self._forgotten,
        )

    def _wait(self, update: DepthUpdate) -> None:
        self._forgotten += len(self._buffer) == self._buffer.maxlen
        self._buffer.append(update)

    def _load(self, snapshot: DepthSnapshot) -> list[Reached]:
        waiting = self._buffer
        after = next((update for update in waiting if update.last_id > snapshot.last_id), None)
        too_early = after is not None and _begins_after(after) > snapshot.last_id
        if self._in_step or too_early or snapshot.last_id < self.last_id:
            self._stale += 1
            return []
        self.book.replace_all(snapshot.bids, snapshot.asks, snapshot.ts_event)
        self._snapshots += 1
        self.last_id, self._in_step, self._fresh = snapshot.last_id, True, True
        reached: list[Reached] = []
        while waiting and self._in_step:
            reached += self._follow(waiting.popleft())
        return reached

    def _follow(self, update: DepthUpdate) -> list[Reached]:
        if update.last_id <= self.last_id:
            self._old += 1
            return []
        begins = _begins_after(update)
        # only the first after a snapshot may overlap it
        if begins > self.last_id or (begins < self.last_id and not self._fresh):
            self._gaps += 1
            self._in_step = False
            self._buffer.appendleft(update)
            return []
        book, ts = self.book, update.ts_event
        for side, levels in ((Side.BID, update.bids), (Side.ASK, update.asks)):
            for price, qty in levels:
                book.set_level(side, price, qty, ts)
        self.last_id, self._fresh = update.last_id, False
        self._applied += 1
        return [Reached(update.last_id, book.seq)]
