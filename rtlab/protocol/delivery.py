"""What one connection is sent: answers, news of its subscriptions, pings. The Credit decides when."""

from collections.abc import Iterator
from itertools import count

from rtlab.errors import ProtocolError
from rtlab.protocol.cache import PayloadCache
from rtlab.protocol.codec import Codec
from rtlab.protocol.codes import Code
from rtlab.protocol.credit import Credit, Points
from rtlab.protocol.cursor import Cursor
from rtlab.protocol.ladder import Moves, State
from rtlab.protocol.limits import Limits, ns
from rtlab.protocol.messages import Ping, ServerMessage, Status

_FEWEST_ROWS = 16
_BYTES_PER_ROW = (
    32  # of a log: a message that is larger than the window would make a slow reader far too late
)
_LAGGING_PART = 5  # a lagging reader gets the rows that it takes in this part of a second at its pace


class Delivery:
    """Implements Link for the Credit of one connection; `evicted` says why when the credit gave the reader up.

    `nonces` numbers the pings, ever higher: connections whose pings are to be the same bytes share one.
    """

    def __init__(
        self,
        codec: Codec,
        cache: PayloadCache,
        limits: Limits,
        now: int,
        *,
        nonces: Iterator[int] | None = None,
        all_moves: Moves | None = None,
    ) -> None:
        self.cursors: dict[int, Cursor] = {}
        self.evicted: str | None = None
        self.messages = self.bytes = 0
        self._ended_merged = self._ended_dropped = 0
        self._codec, self._cache, self._limits = codec, cache, limits
        self._nonces = count(1) if nonces is None else nonces
        self._replies: list[bytes] = []
        self._told = (0, 0)  # merged and dropped, as of the last Status
        self._told_at = now
        self._news: bytes | None = None
        self._ping: bytes | None = None
        self.credit = Credit(self, limits, now, all_moves=all_moves)

    @property
    def merged(self) -> int:
        """Count the states that were passed over by a later message."""
        return self._ended_merged + sum(cursor.merged for cursor in self.cursors.values())

    @property
    def dropped(self) -> int:
        """Count the rows of logs that were left out."""
        return self._ended_dropped + sum(cursor.dropped for cursor in self.cursors.values())

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
        self._replies.append(self._codec.encode(message))

    def end(self, key: int) -> bool:
        """End a subscription; False when there is none of this key."""
        cursor = self.cursors.pop(key, None)
        if cursor is None:
            return False
        self._ended_merged += cursor.merged
        self._ended_dropped += cursor.dropped
        self.credit.forget(key)
        return True

    def due(self, now: int) -> list[bytes]:
        """Let time pass and give the payloads that are due: answers, one batch of news, a ping."""
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
        self.bytes += sum(map(len, payloads))
        return payloads

    def _answers(self) -> bytes:
        # this connection's own: in the cache they would only push shared batches out
        replies, self._replies = self._replies, []
        self.messages += len(replies)
        payload = replies[0] if len(replies) == 1 else self._codec.batch(replies)
        self.credit.count(len(payload))
        return payload

    def send_news(self, now: int) -> int:
        """Collect one batch of what is due, at most a message a channel; give its bytes."""
        credit = self.credit
        # of a log a reader that keeps up is given all that its window takes; one that fell behind the newest rows,
        # as many as its pace allows
        most = max(_FEWEST_ROWS, (credit.window - credit.unanswered) // _BYTES_PER_ROW)
        newest = None
        if credit.fell_behind:
            newest = max(_FEWEST_ROWS, credit.pace // (_LAGGING_PART * _BYTES_PER_ROW))
        every = (cursor.next(now, newest, most) for cursor in self.cursors.values())
        parts = [built.payload for built in every if built is not None]
        if credit.state is not State.LIVE and now - self._told_at >= ns(self._limits.status_every_s):
            self._tell(now)
        if not parts:
            return 0
        self.messages += len(parts)
        self._news = self._cache.batch(self._codec, parts)
        return len(self._news)

    def sent(self) -> Points:
        """Give the point up to which each key was sent."""
        return {key: (c.epoch, c.seq) for key, c in self.cursors.items() if c.held}

    def furthest(self) -> Points:
        """Give the highest point that each key was ever sent."""
        return {key: c.furthest for key, c in self.cursors.items()}

    def ping(self, now: int) -> int:
        """Ask the reader what it has applied, and tell where each of its channels stands; give the ping's number."""
        nonce = next(self._nonces)
        heads = {key: c.head() for key, c in self.cursors.items() if c.held}
        self._ping = self._codec.encode(Ping(nonce, now, heads))
        return nonce

    def moved(self, state: State, now: int) -> None:
        """Tell the reader how it is treated from now on."""
        if state is State.EVICTED:
            self._gave_up(f"too slow: nothing applied for {self._limits.evict_after_s:g} s")
            return
        for cursor in self.cursors.values():
            cursor.cut(less=state is State.DEGRADED)
        self._tell(now, moved=True)

    def give_up(self, why: str, now: int) -> None:
        """End it although the reader may still follow; `why` goes into the reason."""
        self.credit.give_up(now)
        self._gave_up(why)

    def _gave_up(self, why: str) -> None:
        self.evicted = f"{why}; retry in {self._limits.retry_after_s:g} s"

    def _tell(self, now: int, *, moved: bool = False) -> None:
        counts = self.merged, self.dropped
        if moved or counts != self._told:
            status = Status(self.credit.state.value, *counts, self.credit.lag(now) / 1e6)
            self._replies.append(self._codec.encode(status))
        self._told, self._told_at = counts, now
