"""One subscription on the server's side: where its reader stands, and what it is due."""

from operator import attrgetter
from typing import Self

from rtlab.protocol.cache import CHECKED_DEPTH, Built, Lane, Stand
from rtlab.protocol.limits import SECOND
from rtlab.protocol.messages import Channel

_CHECK_EVERY = (
    3 * SECOND // 2
)  # longer than the lane's own second, so that readers in step share their payloads


class Cursor:
    """The reader of one lane: (epoch, seq, held), and the seq up to which it was told all there was to tell.

    `merged` counts heads of the source that were passed over by a later message, `dropped` rows of a log. Of a
    table it holds at any time that `heads` were noticed, of which each was sent (`messages`), merged, `unsaid`
    (there was nothing to say within the depth) or waits. `put_back` counts how often a reader that was further on
    than this server had to go back to a snapshot.
    `less` is a lane of less depth, for who consented to it while it is too slow.
    """

    __slots__ = (
        "_checked_at",
        "_next_at",
        "_passed",
        "_seen",
        "dropped",
        "epoch",
        "full",
        "furthest",
        "gap",
        "heads",
        "held",
        "key",
        "lane",
        "less",
        "merged",
        "messages",
        "patient_until",
        "put_back",
        "resync_at",
        "seq",
        "told",
        "unsaid",
    )

    def __init__(
        self, key: int, lane: Lane, channel: Channel, patient_until: int, less: Lane | None = None
    ) -> None:
        self.key, self.lane = key, lane
        self.full, self.less = lane, less or lane
        self.epoch, self.seq, self.held = channel.resume or (0, 0, 0)
        self.told = self.seq
        self.furthest = (self.epoch, self.seq)
        self.gap = 0 if channel.max_rate is None else round(SECOND / channel.max_rate)
        self.patient_until = patient_until
        self.merged = self.dropped = self.messages = self.heads = self.unsaid = self.put_back = 0
        self.resync_at: int | None = None
        self._checked_at = 0
        self._next_at: int | None = None
        self._seen: int | None = None  # of the heads that were noticed on the lane
        self._passed = 0  # heads since the last message

    def reset(self) -> None:
        """The reader holds nothing any more: its next message is a snapshot."""
        self.epoch = self.seq = self.told = self.held = 0

    def cut(self, *, less: bool) -> None:
        """Go on at the lesser depth or at the full one; the next message brings the reader there."""
        self.lane = self.less if less else self.full
        if self._seen is not None:
            self._seen = self.lane.look()

    def look(self) -> None:
        """Notice new heads of the source, whether or not anything may be sent; also those that others noticed."""
        noticed = self.lane.look()
        if noticed != self._seen:
            new = 1 if self._seen is None else noticed - self._seen
            self._seen = noticed
            self._passed += new
            self.heads += new

    def next(self, now: int, newest: int | None, most: int) -> Built | None:
        """Give what is due at `now`, if anything.

        Of a log only the `newest` rows (None: all that are kept), and at most `most` of them in this message.
        """
        lane, source = self.lane, self.lane.source
        head = (source.epoch, source.seq)
        if self._next_at is not None and now < self._next_at:
            return None
        if (self.epoch, self.seq) > head:
            if now < self.patient_until:
                return None  # it came from a server that is further on: this one may still get there
            self.reset()
            self.put_back += 1
        told, log = self.told, lane.kind.log
        if log and newest is not None and self.held:
            told = max(told, head[1] - newest)
        check = lane.depth > CHECKED_DEPTH and now - self._checked_at >= _CHECK_EVERY
        # only where it binds: readers whose windows differ share what fits into all of them
        binds = log and (head[1] - told if self.held else min(head[1], lane.depth)) > most
        built = lane.next(
            Stand(self.key, self.epoch, self.seq, told, self.held, check, most if binds else None), now
        )
        if built is None:
            if not log:
                self.told = head[1]
                self.unsaid += self._passed
            self._passed = 0
            return None
        if built.checked:
            self._checked_at = now
        self._moved_by(built, now)
        return built

    def _moved_by(self, built: Built, now: int) -> None:
        self.epoch, self.seq, self.held = built.epoch, built.seq, built.held
        self.told = built.seq
        self.furthest = max(self.furthest, (built.epoch, built.seq))
        if not self.lane.kind.log:
            self.merged += max(0, self._passed - 1)
            self.heads += (
                not self._passed
            )  # told anew of a head that it knew: it holds nothing, or less, by now
        self.dropped += built.dropped
        self.messages += 1
        self._passed = 0
        if self.gap:
            self._next_at = now + self.gap

    def head(self) -> tuple[int, int, int]:
        """Give (epoch, sent, exact to) for a ping, after which the reader stands at the latter."""
        sent = self.seq
        self.seq = self.told
        self.furthest = max(self.furthest, (self.epoch, self.seq))
        return self.epoch, sent, self.seq

    def twin(self) -> Self:
        """Give another cursor at the same point."""
        twin = type(self).__new__(type(self))
        for put, value in zip(_PUT, _every(self), strict=True):
            put(twin, value)
        return twin

    def stand_as(self, other: Self) -> None:
        """Go to the point of another cursor of the same lane; what was counted on the way is counted there."""
        self.epoch, self.seq, self.told, self.held = other.epoch, other.seq, other.told, other.held
        self.furthest, self._next_at, self._checked_at = other.furthest, other._next_at, other._checked_at
        self._seen, self._passed = other._seen, other._passed

    def is_ahead(self) -> bool:
        """Whether the reader stands further on than the source."""
        source = self.lane.source
        return (self.epoch, self.seq) > (source.epoch, source.seq)

    def rows(self) -> int:
        """Give how many rows of a log the next message would hold; 0 for a table."""
        head = self.lane.source.seq
        if not self.lane.kind.log:
            return 0
        return head - self.told if self.held else min(head, self.lane.depth)

    def point(self, now: int) -> tuple[object, ...] | None:
        """Give all that decides what comes next, equal for cursors that may go on as one; None: it cannot."""
        if self.furthest != (self.epoch, self.seq):
            return None  # it may claim more than the others were sent
        wait = self._next_at if self._next_at is not None and now < self._next_at else None
        check = self._checked_at if self.lane.depth > CHECKED_DEPTH else None
        stand = (self.epoch, self.seq, self.told, self.held)
        return (self.key, self.lane, stand, self.gap, wait, check, self._seen, self._passed)


_every = attrgetter(*Cursor.__slots__)
_PUT = [vars(Cursor)[name].__set__ for name in Cursor.__slots__]  # twice as fast as by name
