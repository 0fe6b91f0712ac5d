"""When a book of a venue is to be trusted: never longer than STALE_AFTER_S after the last proof of it.

    WAITING   nothing of the book is known yet
    LIVE      in step with the venue, and that was proved a moment ago
    HELD      out of step: its last proved state is shown while it is asked for again
    STALE     the last proof is too old: the book is shown empty, with the reason

A proof is what the venue gives to check a book by: an update that continues the last one, a checksum that is
equal, a sequence without a hole. A `beat` proves a book as well, for a venue that is alive and says nothing of a
book has nothing to say of it; but not a book that is suspected, since something unreadable may have been about it.
"""

from enum import StrEnum
from typing import NamedTuple

STALE_AFTER_S = 1.5
_STALE_AFTER_NS = int(STALE_AFTER_S * 1e9)


class TrustState(StrEnum):
    """How far a book is to be trusted."""

    WAITING = "waiting"
    LIVE = "live"
    HELD = "held"
    STALE = "stale"


class Sight(NamedTuple):
    """What is known of one book now: its state, why it is not live, and how often what happened to it.

    `gaps` were found by sequences, `mismatches` by a checksum, a quote or sides that cross; `unreadable` numbers
    were off the grid or no numbers; `resyncs` snapshots healed it, `staled` times it was declared stale.
    """

    symbol: str
    state: str
    reason: str
    gaps: int
    mismatches: int
    unreadable: int
    resyncs: int
    staled: int


class Trust:
    """The trust in one book. Every `now` is in ns, monotonic."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.state = TrustState.WAITING
        self.reason = "no snapshot came yet"
        self.in_step = False
        self.is_suspected = False
        self.gaps = self.mismatches = self.unreadable = self.resyncs = self.staled = 0
        self._proved_at = 0

    @property
    def is_shown(self) -> bool:
        """Whether those who follow hold levels of the book; else they hold an empty one."""
        return self.state in (TrustState.LIVE, TrustState.HELD)

    def synced(self, now: int) -> None:
        """A snapshot that can be trusted was taken in."""
        self.resyncs += 1
        self.in_step = True
        self.proved(now)

    def proved(self, now: int) -> None:
        """What came of the book was checked, and it holds."""
        if self.in_step:
            self.is_suspected = False
            self._live(now)

    def beat(self, now: int) -> None:
        """The venue is alive, and has nothing to say of the book."""
        if self.in_step and not self.is_suspected:
            self._live(now)

    def suspect(self, reason: str) -> None:
        """Something was lost that may have been about the book: only a check of the book itself proves it now."""
        if self.in_step:
            self.is_suspected, self.reason = True, reason

    def broke(self, reason: str) -> None:
        """The book is known to be wrong, or what continues it can no longer come: it needs a snapshot."""
        self.in_step, self.reason = False, reason
        if self.state is TrustState.LIVE:
            self.state = TrustState.HELD

    def is_over(self, now: int) -> bool:
        """Tell whether the time of a shown book is over; then it is stale, and this is told once."""
        if not self.is_shown or now - self._proved_at <= _STALE_AFTER_NS:
            return False
        if self.in_step and not self.is_suspected:
            self.reason = f"the venue said nothing for {STALE_AFTER_S:g} s"
        self.state = TrustState.STALE
        self.staled += 1
        return True

    def sight(self) -> Sight:
        """Give what is known of the book now."""
        counts = (self.gaps, self.mismatches, self.unreadable, self.resyncs, self.staled)
        return Sight(self.symbol, str(self.state), self.reason, *counts)

    def _live(self, now: int) -> None:
        self.state, self.reason, self._proved_at = TrustState.LIVE, "", now
