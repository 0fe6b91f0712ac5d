"""The structural types between the halves and what they carry: neither knows a book."""

from collections.abc import Mapping
from typing import Protocol

from rtlab.book.update import AnyUpdate
from rtlab.model import Instrument


class Source(Protocol):
    """State on the server's side, shared by all readers; it knows none of them.

    (epoch, seq) decides the state: two sources that stand at the same point hold the same.
    """

    @property
    def epoch(self) -> int:
        """Give the number of the history that this state belongs to."""

    @property
    def seq(self) -> int:
        """Give the number of its last change."""

    def since(self, epoch: int, seq: int, depth: int, held: int) -> AnyUpdate | None:
        """Tell a reader at (epoch, seq) that holds the best `held` what it lacks; None: nothing."""

    def digest(self, depth: int) -> bytes:
        """Give what the checksum is taken over, after the cut to `depth`."""


class View(Protocol):
    """State on the reader's side: where it stands, and the depth of the last cut (0: it holds nothing)."""

    epoch: int
    seq: int
    held: int

    def load(self, update: AnyUpdate) -> None:
        """Replace the state by a snapshot."""

    def apply(self, update: AnyUpdate) -> None:
        """Fold an increment in, then cut."""

    def digest(self, depth: int) -> bytes:
        """Give what the checksum is taken over."""


class Sources(Protocol):
    """Where a subscriber finds its sources by channel and instrument."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Give the instruments by symbol."""

    def source(self, channel: str, symbol: str, interval_ns: int = 0) -> Source:
        """Give one source; InstrumentError or ConfigError when there is none."""
