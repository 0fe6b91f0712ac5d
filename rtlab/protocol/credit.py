"""The ladder: how much one connection may be sent, judged by what its reader says that it has applied.

An empty send buffer does not mean that the reader is current: a kernel hides seconds of messages. So pings go
in band, and their answers say what was applied; what was sent and not yet answered for is bounded by a window.

    state            when                                                  then
    LAGGING (start)  first answer                                          LIVE
    LIVE             tick, unanswered < window                             one batch of news; a ping if none is out
                                                                           and (heartbeat, or half the window used)
    LIVE             transport paused, or a ping is out for longer than    LAGGING; window halved, not below floor
                     the best of the last round trips + slack
    LAGGING          answered, and news                                    one merged batch and a ping
    LAGGING          answered, no news for a heartbeat                     a ping
    LAGGING          `need` prompt answers in a row                        LIVE (`need` doubles when it relapses soon)
    any              answered, but applied less than asked                 ask again soon: same target, same clock
    any              paused                                                nothing is sent
    any              asked or paused, no progress for evict_after_s        EVICTED
    any              claims to have applied more than was sent             ProtocolError 4002

What cannot happen: two targets at once; more than window + one batch unanswered while LIVE; more than one batch
unanswered while LAGGING (beyond what was out when it began to lag); a state that a reader which answers promptly
does not leave towards LIVE. While LIVE the window doubles when an answer comes within the best round trip + half
the slack and half of the window was used.
"""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from rtlab.errors import ProtocolError
from rtlab.protocol.limits import SECOND, Limits, ns

Points = Mapping[int, tuple[int, int]]
"""key -> (epoch, seq)"""


class State(StrEnum):
    """How a connection is treated."""

    LIVE = "LIVE"
    LAGGING = "LAGGING"
    EVICTED = "EVICTED"


class Link(Protocol):
    """What a credit decides about."""

    def send_news(self, now: int) -> int:
        """Send what is due, at most one merged batch; give its bytes, 0 when there is nothing."""

    def sent(self) -> Points:
        """Give the point up to which each key was sent."""

    def furthest(self) -> Points:
        """Give the highest point that each key was ever sent."""

    def ping(self, nonce: int, now: int) -> None:
        """Ask what was applied."""

    def moved(self, state: State, now: int) -> None:
        """Hear that the state changed."""


class Credit:
    """The ladder of one connection, for all its channels. `now` is monotonic ns."""

    def __init__(self, link: Link, limits: Limits, now: int) -> None:
        self.link, self.limits = link, limits
        self.state, self.since, self.paused = State.LAGGING, now, False
        self.need, self.window = limits.need, 2 * limits.window_floor
        self.unanswered = 0  # bytes sent and not yet answered for
        self.round_trips: deque[int] = deque(maxlen=limits.round_trips)
        self.target: dict[int, tuple[int, int]] | None = None  # asked for, None: no ping is out
        self.nonce = 0
        self.fell_behind = (
            False  # from when it lagged, or the window was too small for it, until it keeps up again
        )
        self.pace = 0  # bytes a second that the last answer was for
        self._good = limits.need - 1  # prompt answers in a row: the first one makes it live
        self._asked = self._pinged = self._progress = now
        self._pinged -= ns(limits.heartbeat_s)
        self._at_ask = 0  # bytes that the answer will be for
        self._full = False  # news had to wait for the window since the last answer
        self._partial = False  # the last answer fell short of the target
        self._applied: dict[int, tuple[int, int]] = {}
        self._slack, self._heartbeat = ns(limits.slack_s), ns(limits.heartbeat_s)
        self._evict, self._again = ns(limits.evict_after_s), ns(limits.ask_again_s)
        self._relapse = ns(limits.relapse_s)

    def patience(self) -> int:
        """Give how long (ns) an answer may take to be prompt."""
        if not self.round_trips:
            return ns(self.limits.first_answer_s)
        return min(min(self.round_trips) + self._slack, self._evict // 2)

    def lag(self, now: int) -> int:
        """Give how long (ns) the reader has owed an answer, or took for its last."""
        if self.target is not None:
            return now - self._asked
        return self.round_trips[-1] if self.round_trips else 0

    def tick(self, now: int) -> None:
        """Let time pass: after each publish, each answer and from time to time."""
        if self.state is State.EVICTED:
            return
        asked = self.target is not None
        if (asked or self.paused) and now - self._progress > self._evict:
            self._move(State.EVICTED, now)
            return
        if self.state is State.LIVE and (self.paused or (asked and now - self._asked > self.patience())):
            self._demote(now)
        if self.paused:
            return
        if self.state is State.LIVE:
            self._tick_live(now)
        elif not asked:
            size = self.link.send_news(now)
            self.unanswered += size
            if size or now - self._pinged >= self._heartbeat:
                self._ask(now)
        if self._partial and now - self._pinged >= self._again:
            self._ping(now)

    def _tick_live(self, now: int) -> None:
        if self.unanswered < self.window:
            self.unanswered += self.link.send_news(now)
        else:
            self._full = True
        if self.target is None and (
            now - self._pinged >= self._heartbeat or 2 * self.unanswered >= self.window
        ):
            self._ask(now)

    def _demote(self, now: int) -> None:
        soon = now - self.since < self._relapse
        self.need = min(16 * self.limits.need, 2 * self.need) if soon else self.limits.need
        self.window = max(self.limits.window_floor, self.window // 2)
        self.fell_behind = True
        self._move(State.LAGGING, now)

    def _move(self, state: State, now: int) -> None:
        self.state, self.since, self._good = state, now, 0
        self.link.moved(state, now)

    def _ask(self, now: int) -> None:
        self.target = dict(self.link.sent())
        self._asked = self._progress = now
        self._at_ask = self.unanswered
        self._ping(now)

    def _ping(self, now: int) -> None:
        self.nonce += 1
        self._pinged, self._partial = now, False
        self.link.ping(self.nonce, now)

    def answer(self, nonce: int, applied: Points, now: int) -> None:
        """Take in what the reader says that it has applied; ProtocolError (4002) when that was never sent."""
        sent = self.link.furthest()
        for key, point in applied.items():
            if key in sent and point > sent[key]:
                raise ProtocolError(
                    f"the client claims to have applied more of key {key} than it was sent",
                    expected=f"at most (epoch, seq) {sent[key]}",
                    got=point,
                )
        if self.state is State.EVICTED or self.target is None or not 0 < nonce <= self.nonce:
            return
        if applied != self._applied:
            self._applied, self._progress = dict(applied), now
        if any(applied.get(key, (0, 0)) < point for key, point in self.target.items()):
            self._partial = self._partial or nonce == self.nonce
            return
        if nonce != self.nonce and self._asked == self._pinged:
            return  # an answer to an older question
        self._settle(now)

    def _settle(self, now: int) -> None:
        took = now - self._asked
        self._good = self._good + 1 if took <= self.patience() else 0
        self.round_trips.append(took)
        quick = took <= self.patience() - self._slack // 2
        self.target, self._progress, self._partial = None, now, False
        self.pace = self._at_ask * SECOND // max(1, took)
        # only what is live uses the window: grown while lagging, it would hit a slow reader once it is live again
        if self.state is State.LIVE and quick and 2 * self._at_ask >= self.window:
            self.window = min(self.limits.window_ceiling, 2 * self.window)
        self.unanswered -= self._at_ask
        self._at_ask = 0
        if self.state is State.LIVE:
            if self._full and not quick:
                self.fell_behind = True
            elif 4 * self.unanswered < self.window:
                self.fell_behind = False
        self._full = False
        if self.state is State.LAGGING and self._good >= self.need:
            self._move(State.LIVE, now)

    def forget(self, key: int) -> None:
        """Do not wait for `key` any more: the reader gave it up, or holds nothing of it."""
        if self.target is not None:
            self.target.pop(key, None)

    def count(self, size: int) -> None:
        """Add bytes that were sent beside the news."""
        self.unanswered += size

    def pause(self, now: int) -> None:
        """The transport's buffer is full: nothing is sent until `resume`."""
        if not self.paused:
            self.paused = True
            if self.target is None:
                self._progress = now

    def resume(self, now: int) -> None:
        """The transport's buffer has drained."""
        self.paused = False
