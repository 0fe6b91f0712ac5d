"""What one connection is sent: answers, news of its subscriptions, pings. The Credit decides when."""

from typing import Any

from rtlab.errors import ProtocolError
from rtlab.protocol.accounts import BYTES_PER_ROW, FEWEST_ROWS
from rtlab.protocol.cache import PayloadCache
from rtlab.protocol.codec import Codec
from rtlab.protocol.codes import Code
from rtlab.protocol.cohort import Cohorts, Tally, total
from rtlab.protocol.credit import Credit, Points
from rtlab.protocol.cursor import Cursor
from rtlab.protocol.ladder import Moves, State
from rtlab.protocol.limits import Limits, ns
from rtlab.protocol.messages import FROZEN, ServerMessage, Status
from rtlab.protocol.pulse import Pulse

_LAGGING_PART = 5  # a lagging reader gets the rows that it takes in this part of a second at its pace


class Delivery:
    """Implements Link for the Credit of one connection; `evicted` says why when the credit gave the reader up.

    While a cohort carries it (`slot` is not negative) it says nothing itself, and where it stands is where the
    cohort stands.
    """

    __slots__ = (
        "_bytes",
        "_cache",
        "_cohorts",
        "_credit",
        "_ended",
        "_limits",
        "_news",
        "_ping",
        "_pulse",
        "_replies",
        "_told",
        "_told_at",
        "_untold",
        "codec",
        "cursors",
        "evicted",
        "slot",
    )

    def __init__(
        self,
        codec: Codec,
        cache: PayloadCache,
        limits: Limits,
        now: int,
        *,
        all_moves: Moves | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self.cursors: dict[int, Cursor] = {}
        self.evicted: str | None = None
        self.codec, self._cache, self._limits = codec, cache, limits
        self._ended = _NOTHING  # replies, what cohorts carried and what subscriptions counted that ended
        self._bytes = 0  # sent alone
        self._cohorts: Cohorts[Any] | None = None
        self.slot = -1
        self._replies: list[bytes] = []
        self._told = (0, 0)  # merged and dropped, as of the last Status
        self._told_at = now
        self._untold = False  # rows were dropped since
        self._news: bytes | None = None
        self._ping: bytes | None = None
        self._pulse = pulse or Pulse(limits)
        self._credit = Credit(self, limits, now, all_moves=all_moves, pulse=pulse)

    @property
    def credit(self) -> Credit:
        """Give the credit, which knows all that happened until now."""
        if self._cohorts is not None:
            self._cohorts.inform(self.slot, self._credit)
        return self._credit

    @property
    def tally(self) -> Tally:
        """Count what was sent and what was not, since the connection began."""
        alone = Tally(bytes=self._bytes)
        tally = total(self._ended, alone, *map(_counted, self.cursors.values()))
        return tally if self._cohorts is None else total(tally, self._cohorts.tally(self.slot))

    @property
    def put_back(self) -> int:
        """Count how often a reader that was further on than this server had to go back."""
        return sum(cursor.put_back for cursor in self.cursors.values())

    @property
    def unanswered(self) -> int:
        """Give the bytes that were sent and not yet answered for."""
        return self.credit.unanswered

    @property
    def rests_until(self) -> int:
        """Give until when (ns) nothing is due unless the reader says something; 0: it may be at any moment."""
        may_be = self._cohorts is not None or self._replies or self._untold or self.evicted is not None
        return 0 if may_be else self._credit.rests_until()

    @property
    def waiting_bytes(self) -> int:
        """Give the bytes of answers that wait to be sent."""
        return sum(map(len, self._replies))

    def reply(self, message: ServerMessage) -> None:
        """Queue an answer to the client; ProtocolError (4029) when too many wait already."""
        if len(self._replies) >= self._limits.replies:
            raise ProtocolError(
                "the client asks faster than it takes the answers",
                code=Code.TOO_MANY_REQUESTS,
                expected=f"at most {self._limits.replies} answers waiting",
            )
        self._replies.append(self.codec.encode(message))

    def end(self, key: int) -> bool:
        """End a subscription; False when there is none of this key."""
        cursor = self.cursors.pop(key, None)
        if cursor is None:
            return False
        self._ended = total(self._ended, _counted(cursor))
        self.credit.forget(key)
        return True

    def due(self, now: int) -> list[bytes]:
        """Let time pass and give the payloads that are due: answers, one batch of news, a ping."""
        if self._cohorts is not None:
            return []
        self._news = self._ping = None
        for cursor in self.cursors.values():
            cursor.look()
        self.credit.tick(now)
        if self.credit.paused or self.evicted is not None:
            return []
        payloads = [self._answers()] if self._replies else []
        for payload in (self._news, self._ping):
            if payload is not None:
                payloads.append(payload)
        self._bytes += sum(map(len, payloads))
        return payloads

    def _answers(self) -> bytes:
        # this connection's own: in the cache they would only push shared batches out
        replies, self._replies = self._replies, []
        self._ended = total(self._ended, Tally(messages=len(replies)))
        payload = replies[0] if len(replies) == 1 else self.codec.batch(replies)
        self.credit.count(len(payload))
        return payload

    def send_news(self, now: int) -> int:
        """Collect one batch of what is due, at most a message a channel; give its bytes."""
        credit = self.credit
        # of a log a reader that keeps up is given all that its window takes; one that fell behind the newest rows,
        # as many as its pace allows
        most = max(FEWEST_ROWS, (credit.window - credit.unanswered) // BYTES_PER_ROW)
        newest = None
        if credit.fell_behind:
            newest = max(FEWEST_ROWS, credit.pace // (_LAGGING_PART * BYTES_PER_ROW))
        put_back = self.put_back
        every = [cursor.next(now, newest, most) for cursor in self.cursors.values()]
        parts = [built.payload for built in every if built is not None]
        self._untold = self._untold or any(built.dropped for built in every if built is not None)
        if self.put_back != put_back:
            self._tell(now, moved=True)
        of_interest = self._untold or credit.state is not State.LIVE
        if of_interest and now - self._told_at >= ns(self._limits.status_every_s):
            self._tell(now)
        if not parts:
            return 0
        self._news = self._cache.batch(self.codec, parts)
        return len(self._news)

    def sent(self) -> Points:
        """Give the point up to which each key was sent; of who is carried its cohort knows that."""
        return {key: (c.epoch, c.seq) for key, c in self.cursors.items() if c.held}

    def furthest(self) -> Points:
        """Give the highest point that each key was ever sent."""
        if self._cohorts is not None:
            return self._cohorts.cohort(self.slot).furthest()
        return {key: c.furthest for key, c in self.cursors.items()}

    def ping(self, now: int) -> int:
        """Ask the reader what it has applied, and tell where each of its channels stands; give the ping's number."""
        # of one that came from a server further on nothing is known yet: it stays fresh for what it will be sent
        heads = {key: c.head() for key, c in self.cursors.items() if c.held and not c.is_ahead()}
        nonce, self._ping = self._cache.ping(self.codec, heads, now)
        return nonce

    def answer(self, nonce: int, applied: Points, now: int) -> None:
        """Take in what the reader says that it has applied; ProtocolError (4002) when that was never sent."""
        if self._cohorts is not None:
            self._cohorts.answer(self.slot, nonce, applied, now)
        else:
            self.credit.answer(nonce, applied, now)

    def join(self, cohorts: Cohorts[Any], owner: object, now: int) -> None:
        """Be carried by a cohort, where one stands just here and there is nothing else to say."""
        if not self._replies and not self._untold and self._cohorts is None and self.evicted is None:
            cohorts.join(self, owner, now)

    def leave(self) -> None:
        """Go on alone, if a cohort carried it."""
        if self._cohorts is not None:
            self._cohorts.leave(self.slot)

    def entered(self, cohorts: Cohorts[Any], slot: int) -> None:
        """See Member."""
        self._cohorts, self.slot = cohorts, slot
        self._news = self._ping = None

    def left(self, tally: Tally) -> None:
        """See Member."""
        self._cohorts, self.slot = None, -1
        self._ended = total(self._ended, tally)

    def moved(self, state: State, now: int) -> None:
        """Tell the reader how it is treated from now on."""
        if state is State.EVICTED:
            self._gave_up(f"too slow: nothing applied for {self._limits.evict_after_s:g} s")
            return
        for cursor in self.cursors.values():
            cursor.cut(less=state is State.DEGRADED)
        self._tell(now, moved=True)

    def tell(self, now: int) -> None:
        """Tell the reader how it is treated, again."""
        self.leave()
        self._tell(now, moved=True)

    @property
    def is_frozen(self) -> bool:
        """Whether nothing is heard of what the gateway serves."""
        return self._pulse.silent_ms > 0

    def give_up(self, why: str, now: int) -> None:
        """End it although the reader may still follow; `why` goes into the reason."""
        self.credit.give_up(now)
        self._gave_up(why)

    def _gave_up(self, why: str) -> None:
        self.evicted = f"{why}; retry in {self._limits.retry_after_s:g} s"

    def _tell(self, now: int, *, moved: bool = False) -> None:
        tally = self.tally
        counts = tally.merged, tally.dropped
        if moved or counts != self._told:
            state, lag_ms = self.credit.state.value, self.credit.lag(now) / 1e6
            if self.is_frozen:
                state, lag_ms = FROZEN, self._pulse.silent_ms
            status = Status(state, *counts, lag_ms)
            self._replies.append(self.codec.encode(status))
        self._told, self._told_at, self._untold = counts, now, False


_NOTHING = Tally()


def _counted(cursor: Cursor) -> Tally:
    heads, unsaid = (0, 0) if cursor.lane.kind.log else (cursor.heads, cursor.unsaid)
    return Tally(cursor.messages, 0, cursor.merged, cursor.dropped, heads, unsaid)
