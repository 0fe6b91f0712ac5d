"""One connection to a venue without its socket: payloads and time in, market messages and requests out.

    opened ──▶ subscriptions are sent; each book waits for its snapshot
    receive, answered ──▶ what can be trusted is given on; what cannot asks for a snapshot of that one book
    tick ──▶ a book without a proof is emptied; what is due is asked for; a venue that fell silent is hung up on
    lost ──▶ no book is in step any more

A venue (`binance`, `kraken`, `coinbase`) says how it subscribes, how it reads a payload, how it asks for one book
and how it makes the other side show that it is alive. Every `now` is in ns, monotonic.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from rtlab.errors import LocalError
from rtlab.model import MarketMessage
from rtlab.sources.venues.kept import KeptBook, Listing
from rtlab.sources.venues.trust import STALE_AFTER_S, Sight

HANG_UP_AFTER_S = 5.0  # without any message
BEAT_EVERY_S = 0.5
_WAITING = 1000  # requests that the shell did not take yet


class Send(NamedTuple):
    """Send this text over the socket."""

    text: str


class Get(NamedTuple):
    """Ask for `path` by HTTP: a snapshot of the book `name`."""

    path: str
    name: str


class HangUp(NamedTuple):
    """End the connection, and open another."""

    reason: str


Request = Send | Get | HangUp


class MachineStatistics(NamedTuple):
    """Of all connections of a machine: payloads that came, those that were no message or none that is known,
    and what it refused or limited us in; trades given on, lost before they came, and come again.
    """

    received: int
    malformed: int
    unknown: int
    refused: int
    stale_snapshots: int
    trades: int
    trades_lost: int
    trades_again: int
    requests_dropped: int


class VenueMachine(ABC):
    """What all venues have in common. `name` of a listing is how the venue's messages call it."""

    keeps_books = True
    """Whether books come over this connection, or trades only."""
    has_sequence = False
    """Whether a hole in what came shows by itself: then a book that was stale is right again with the next message.

    Else something may have been lost in the silence, and the book is asked for again.
    """

    def __init__(self, listings: Sequence[Listing]) -> None:
        self.kept = {one.name: KeptBook(one) for one in listings}
        self.received = self.malformed = self.unknown = self.refused_count = self.stale_snapshots = 0
        self.requests_dropped = 0
        self.is_open = False
        self._requests: deque[Request] = deque()
        self._heard_at = self._beat_at = 0
        self._ahead = 0  # of the monotonic clock is the wall clock by so much

    def opened(self, now: int, wall: int) -> None:
        """The socket is open; `wall` is the time of day in ns."""
        self._requests.clear()
        self._ahead, self._heard_at, self._beat_at = wall - now, now, now
        self.is_open = True
        for kept in self.kept.values():
            kept.asking.reset()
        self._subscribe(now)

    def receive(self, payload: str | bytes, now: int) -> list[MarketMessage]:
        """Take one message of the socket in; give what can be trusted of it."""
        if now - self._heard_at > STALE_AFTER_S * 1e9:
            for kept in self.kept.values():
                kept.asking.reset()  # what was asked in a silence was not heard
        self._heard_at = now
        self.received += 1
        try:
            return self._read(payload, now)
        except ValueError as error:  # which msgspec's errors are
            self.malformed += 1
            for kept in self.kept.values():
                kept.trust.suspect(f"a message was none that can be read ({error})")
            return []

    def answered(self, get: Get, body: bytes, now: int) -> list[MarketMessage]:
        """Take the answer to a Get in. A venue that asks for nothing by HTTP has no use for one."""
        raise LocalError("this venue asks for nothing by HTTP", got=get.path)

    def refused(self, get: Get, reason: str, now: int, retry_after_s: float = 0.0) -> None:
        """The Get was not answered as it should be; the venue asks not to be asked again before `retry_after_s`."""
        self.refused_count += 1
        kept = self.kept[get.name]
        kept.trust.reason = reason
        kept.asking.failed(now, retry_after_s)

    def lost(self, reason: str, now: int) -> None:
        """The socket is gone."""
        self.is_open = False
        self._requests.clear()
        for kept in self.kept.values():
            self._out_of_step(kept, reason, now)

    def tick(self, now: int) -> list[MarketMessage]:
        """Let time pass: call it ten times a second."""
        told: list[MarketMessage] = []
        for kept in self.kept.values():
            if kept.trust.is_over(now):
                told.append(kept.emptied(self._wall(now)))
                if kept.trust.is_suspected or not self.has_sequence:
                    self._out_of_step(kept, kept.trust.reason, now)
        if self.is_open:
            self._ask_what_is_due(now)
        return told

    def take_requests(self) -> list[Request]:
        """Give what is to be done for the machine, once."""
        taken = list(self._requests)
        self._requests.clear()
        return taken

    def sights(self) -> list[Sight]:
        """Give what is known of each book now."""
        return [kept.trust.sight() for kept in self.kept.values()] if self.keeps_books else []

    def statistics(self) -> MachineStatistics:
        """Count since the beginning."""
        books = self.kept.values()
        return MachineStatistics(
            self.received,
            self.malformed,
            self.unknown,
            self.refused_count,
            self.stale_snapshots,
            sum(kept.trades for kept in books),
            sum(kept.trades_lost for kept in books),
            sum(kept.trades_again for kept in books),
            self.requests_dropped,
        )

    @abstractmethod
    def _subscribe(self, now: int) -> None:
        """Ask for what the listings name, on a socket that has just been opened."""

    @abstractmethod
    def _read(self, payload: str | bytes, now: int) -> list[MarketMessage]:
        """Take one message in; ValueError when it is none that can be read."""

    @abstractmethod
    def _ask(self, kept: KeptBook, now: int) -> None:
        """Ask for a book anew."""

    def _beat(self, now: int) -> None:  # noqa: B027  # most venues need none
        """Make the venue show that it is alive; not needed where it does so by itself."""

    def _out_of_step(self, kept: KeptBook, reason: str, now: int) -> None:
        kept.broke(reason, now)

    def _request(self, request: Request) -> None:
        if len(self._requests) >= _WAITING:
            self.requests_dropped += 1
            return
        self._requests.append(request)

    def _wall(self, now: int) -> int:
        return now + self._ahead

    def _alive(self, now: int) -> list[MarketMessage]:
        told: list[MarketMessage] = []
        for kept in self.kept.values():
            kept.trust.beat(now)
            told += kept.again(self._wall(now))
        return told

    def _ask_what_is_due(self, now: int) -> None:
        if now - self._heard_at > HANG_UP_AFTER_S * 1e9:
            self._heard_at = now  # once
            self._request(HangUp(f"the venue said nothing for {HANG_UP_AFTER_S:g} s"))
            return
        if now - self._beat_at >= BEAT_EVERY_S * 1e9:
            self._beat_at = now
            self._beat(now)
        if not self.keeps_books or now - self._heard_at > STALE_AFTER_S * 1e9:
            return  # who says nothing hears nothing
        for kept in self.kept.values():
            if not kept.trust.in_step and kept.asking.is_due(now):
                kept.asking.asked(now)
                self._ask(kept, now)
