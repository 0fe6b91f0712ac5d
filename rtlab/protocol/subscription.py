"""One subscription on the reader's side: its view, and how a message changes it."""

from enum import StrEnum
from typing import Literal
from zlib import crc32

from msgspec.structs import replace

from rtlab.book import AnyUpdate
from rtlab.book.l2 import pack_rows
from rtlab.book.update import WHOLE
from rtlab.protocol.channels import CHANNEL_KINDS, AnyView, update_of
from rtlab.protocol.messages import Channel, Increment, Snapshot, StateMessage, Subscribed, Ticker


class SubscriptionState(StrEnum):
    """How far a subscription has come."""

    ASKED = "asked"  # not yet granted on this connection
    WAITING = "waiting"  # granted; the view holds nothing that could be relied on
    LIVE = "live"
    REFUSED = "refused"
    ENDED = "ended"


Outcome = Literal["snapshot", "increment", "known", "waiting", "lost", "differs"]
"""What a message did: changed the view (two ways), said nothing new, came while a snapshot is awaited,
showed that something is missing, or contradicts itself or the view (a checksum, rows that do not add up)."""


class Subscription:
    """A wish, where it stands and the view it fills. Ask `view`; the rest is for those who care how it came."""

    def __init__(self, wish: int, channel: Channel) -> None:
        self.wish, self.asked = wish, channel
        self.kind = CHANNEL_KINDS[channel.name]
        self.view: AnyView = self.kind.view()
        self.key: int | None = None
        self.granted: Subscribed | None = None
        self.state = SubscriptionState.ASKED
        self.came_back: Literal["resumed", "snapshot"] | None = None
        self.error: str | None = None
        self.holds_nothing = True  # until a snapshot, and again from a loss on
        self.new_on_connection = True  # nothing came for it on this connection yet
        self.resync_due: int | None = None
        self.resync_at: int | None = None

    def __repr__(self) -> str:
        where = "" if self.holds_nothing else f" at {self.view.epoch}/{self.view.seq}"
        told = f", {self.error}" if self.error else ""
        return f"<{self.channel} of {self.instrument}: {self.state}{where}{told}>"

    @property
    def channel(self) -> str:
        """Give the channel's name."""
        return self.asked.name

    @property
    def instrument(self) -> str:
        """Give the instrument's symbol."""
        return self.asked.instrument

    @property
    def depth(self) -> int:
        """Give the depth that was granted or else asked for; WHOLE for all."""
        depth = self.asked.depth if self.granted is None else self.granted.depth
        return WHOLE if depth is None else depth

    @property
    def is_live(self) -> bool:
        """Whether the view is, as of its (epoch, seq), what the server has."""
        return self.state is SubscriptionState.LIVE

    def channel_to_ask(self) -> Channel:
        """Give the wish for a new connection, with the point from which to resume."""
        view, ask = self.view, self.asked
        resume = None if self.holds_nothing else (view.epoch, view.seq, view.held)
        return replace(ask, resume=resume)

    def disconnected(self) -> None:
        """Forget what belongs to a connection."""
        if self.state in (SubscriptionState.WAITING, SubscriptionState.LIVE):
            self.state = SubscriptionState.ASKED
        self.key = self.granted = self.resync_due = self.resync_at = None
        self.new_on_connection = True

    def grant(self, granted: Subscribed) -> None:
        """Take the server's answer."""
        self.key, self.granted, self.state = granted.key, granted, SubscriptionState.WAITING

    def lose(self) -> None:
        """Rely on nothing until a snapshot comes."""
        self.holds_nothing, self.state = True, SubscriptionState.WAITING

    def confirm(self, how: Literal["resumed", "snapshot"]) -> None:
        """The view is what the server has; `how` it came to be so, when it just came back."""
        if self.new_on_connection:
            self.came_back, self.new_on_connection = how, False
        self.holds_nothing, self.state = False, SubscriptionState.LIVE
        self.resync_due = None

    def take(self, message: StateMessage) -> Outcome:
        """Change the view by a message of this key."""
        if not isinstance(message, self.kind.speaks):
            return "differs"
        update = update_of(message, self.depth)
        if self.kind.log:
            return self._take_rows(update)
        if update.kind == "snapshot":
            return self._take_snapshot(message, update)
        return self._take_increment(message, update)

    def _take_snapshot(self, message: StateMessage, update: AnyUpdate) -> Outcome:
        view = self.view
        if not (self.holds_nothing or self.new_on_connection) and not _is_news(update, view):
            return "known"
        if isinstance(message, Snapshot) and message.checksum != crc32(pack_rows(message.bids, message.asks)):
            return "differs"
        # a ticker is always told whole: within the epoch it is a resumption all the same
        follows = isinstance(message, Ticker) and update.epoch == view.epoch and not self.holds_nothing
        view.load(update)
        self.confirm("resumed" if follows else "snapshot")
        return "snapshot"

    def _take_increment(self, message: StateMessage, update: AnyUpdate) -> Outcome:
        view = self.view
        if self.holds_nothing:
            return "waiting"
        if update.epoch > view.epoch:
            return "lost"
        if not _is_news(update, view):
            return "known"
        if update.first_seq - 1 > view.seq:
            return "lost"
        view.apply(update)
        told = message.checksum if isinstance(message, Increment) else None
        if told is not None and told != crc32(view.digest(update.depth)):
            return "differs"
        self.confirm("resumed")
        return "increment"

    def _take_rows(self, update: AnyUpdate) -> Outcome:
        view, (before, rows) = self.view, update.body
        if before.seq + len(rows) != update.last_seq or before.seq < update.first_seq - 1:
            return "differs"
        behind = self.new_on_connection and (update.epoch, update.last_seq) < (view.epoch, view.seq)
        if self.holds_nothing or update.epoch > view.epoch or behind:
            view.load(update)
            self.confirm("snapshot")
            return "snapshot"
        if not _is_news(update, view):
            return "known"
        if update.first_seq - 1 > view.seq:
            return "lost"
        view.apply(update)
        self.confirm("resumed")
        return "increment"

    def stand_at(self, epoch: int, sent: int, exact_to: int) -> bool:
        """Compare with where the server thinks that this reader stands, and move on; False: something was lost."""
        view = self.view
        if (epoch, sent) != (view.epoch, view.seq) or exact_to < sent:
            return False
        view.seq = exact_to
        self.confirm("resumed")
        return True


def _is_news(update: AnyUpdate, view: AnyView) -> bool:
    if update.epoch != view.epoch:
        return update.epoch > view.epoch
    return update.last_seq > view.seq or (update.last_seq == view.seq and update.depth != view.held)
