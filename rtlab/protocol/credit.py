"""Follows the ladder for one connection: judges its reader by what it says that it has applied.

The rules are `rtlab.protocol.ladder.LADDER`; here is what their guards ask and what their actions do.
"""

from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, Protocol

from rtlab.errors import ProtocolError
from rtlab.protocol.ladder import LADDER, START, Action, Event, Guard, Moves, Rule, State
from rtlab.protocol.limits import SECOND, Limits, ns
from rtlab.protocol.pulse import Pulse

Points = Mapping[int, tuple[int, int]]
"""key -> (epoch, seq)"""


class Link(Protocol):
    """What a credit decides about."""

    def send_news(self, now: int) -> int:
        """Send what is due, at most one merged batch; give its bytes, 0 when there is nothing."""

    def sent(self) -> Points:
        """Give the point up to which each key was sent."""

    def furthest(self) -> Points:
        """Give the highest point that each key was ever sent."""

    def ping(self, now: int) -> int:
        """Ask what was applied; give the number of the ping, above all that this reader was sent before."""

    def moved(self, state: State, now: int) -> None:
        """Hear that the state changed."""


class Credit:
    """The ladder of one connection, for all its channels. `now` is monotonic ns.

    Changes of state are counted in `moves`, and in `all_moves` for many connections together, whose heartbeat is
    that of `pulse`.
    """

    def __init__(
        self,
        link: Link,
        limits: Limits,
        now: int,
        *,
        all_moves: Moves | None = None,
        pulse: Pulse | None = None,
        ladder: tuple[Rule, ...] = LADDER,
    ) -> None:
        self.link, self.limits = link, limits
        self.state, self.since, self.paused = START, now, False
        self.need, self.window = limits.need, 2 * limits.window_floor
        self.unanswered = 0  # bytes sent and not yet answered for
        self.round_trips: deque[int] = deque(maxlen=limits.round_trips)
        self.target: Points | None = None  # asked for, None: no ping is out
        self.nonce = 0  # of the last ping
        self.fell_behind = (
            False  # from when it lagged, or the window was too small for it, until it keeps up again
        )
        self.pace = 0  # bytes a second that the last answer was for
        self.moves = Moves(all_moves)
        self._steps = _steps(ladder)
        self._good = limits.need - 1  # prompt answers in a row: the first one makes it live
        self._asked = self.pinged = self._progress = self._sent_at = now
        self.pinged -= ns(limits.heartbeat_s)
        self._sent_at -= ns(limits.degraded_interval_s)
        self._at_ask = 0  # bytes that the answer will be for
        self._full = False  # news had to wait for the window since the last answer
        self._partial = False  # the last answer fell short of the target
        self._quick = False  # the last answer came soon, and for much
        self._applied: Points = {}
        self._slack, self._pulse = ns(limits.slack_s), pulse or Pulse(limits)
        self._evict, self._again = ns(limits.evict_after_s), ns(limits.ask_again_s)
        self._relapse, self._long = ns(limits.relapse_s), ns(limits.degrade_after_s)
        self._rest = ns(limits.degraded_interval_s)
        self._patience = ns(limits.first_answer_s)

    def patience(self) -> int:
        """Give how long (ns) an answer may take to be prompt."""
        return self._patience

    def lag(self, now: int) -> int:
        """Give how long (ns) the reader has owed an answer, or took for its last."""
        if self.target is not None:
            return now - self._asked
        return self.round_trips[-1] if self.round_trips else 0

    @property
    def steady(self) -> bool:
        """Whether it is live with nothing to make up for: then only a late answer or a full window can change that."""
        return self.state is State.LIVE and not (self.paused or self._partial or self.fell_behind)

    def answer_by(self) -> int | None:
        """Give until when (ns) the question that is out should be answered; None: none is out."""
        return None if self.target is None else self._asked + self._patience

    def idle(self, now: int) -> int:
        """Give for how long (ns) the reader has made no progress that it owed."""
        return now - self._progress if self.target is not None or self.paused else 0

    def rests_until(self) -> int:
        """Give until when (ns) time alone changes nothing: only the reader can; 0 where it may at any moment."""
        waits = self.paused or (self.target is not None and not self._partial)
        if self.state is State.LIVE or not waits:
            return 0
        until = self._progress + self._evict
        return min(until, self.since + self._long) if self.state is State.LAGGING else until

    def tick(self, now: int) -> None:
        """Let time pass: after each publish, each answer and from time to time."""
        self._follow(Event.TICK, now)

    def give_up(self, now: int) -> None:
        """End it: what is held for this reader is needed elsewhere."""
        self._follow(Event.GIVEN_UP, now)

    def ask(self, now: int) -> None:
        """Ping: what was applied of all that was sent so far?"""
        target = self.link.sent()
        self.was_asked(self.link.ping(now), target, self.unanswered, now)

    def was_asked(self, nonce: int, target: Points, size: int, now: int) -> None:
        """Ping `nonce` went out at `now`, for `target`; its answer will be for `size` bytes."""
        self.target, self.nonce, self._at_ask = target, nonce, size
        self._asked = self._progress = self.pinged = now
        self._partial = False

    def answer(self, nonce: int, applied: Points, now: int) -> None:
        """Take in what the reader says that it has applied; ProtocolError (4002) when that was never sent."""
        target = self.target
        is_exact = applied == target  # as nearly every answer is: then there is nothing to look for in it
        if not is_exact:
            self._check(applied)
        if self.state is State.EVICTED or target is None or not 0 < nonce <= self.nonce:
            return
        if applied != self._applied:
            self._applied, self._progress = applied, now
        if not is_exact and any(applied.get(key, (0, 0)) < point for key, point in target.items()):
            if nonce == self.nonce:
                self._follow(Event.SHORT_ANSWER, now)
            return
        if nonce != self.nonce and self._asked == self.pinged:
            return  # an answer to an older question
        self._settle(now)

    def _check(self, applied: Points) -> None:
        sent = self.link.furthest()
        for key, point in applied.items():
            if key in sent and point > sent[key]:
                raise ProtocolError(
                    f"the client claims to have applied more of key {key} than it was sent",
                    expected=f"at most (epoch, seq) {sent[key]}",
                    got=point,
                )

    def _settle(self, now: int) -> None:
        took, used, was_live = now - self._asked, self._at_ask, self.state is State.LIVE
        self._good = self._good + 1 if took <= self._patience else 0
        self.round_trips.append(took)
        self._patience = min(min(self.round_trips) + self._slack, self._evict // 2)
        soon = took <= self._patience - self._slack // 2
        # only what is live uses the window: grown while lagging, it would hit a slow reader once it is live again
        self._quick = soon and 2 * used >= self.window
        self.target, self._progress, self._partial = None, now, False
        self.pace = used * SECOND // max(1, took)
        self.unanswered -= used
        self._at_ask = 0
        self._follow(Event.ANSWER, now)
        if was_live:
            if self._full and not soon:
                self.fell_behind = True
            elif 4 * self.unanswered < self.window:
                self.fell_behind = False
        self._full = False

    def forget(self, key: int) -> None:
        """Do not wait for `key` any more: the reader gave it up, or holds nothing of it."""
        if self.target is not None:
            self.target = {other: point for other, point in self.target.items() if other != key}

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

    def _follow(self, event: Event, now: int, above: int = -1) -> None:
        """Read the rules below number `above`."""
        for number, holds, act, to in self._steps[event][self.state]:
            if number > above and holds(self, now):
                if act is None:
                    return
                act(self, now)
                if to is not None:
                    self._move(to, now)
                    self._follow(event, now, number)
                    return

    def _move(self, state: State, now: int) -> None:
        if state is not State.DEGRADED:
            self._good = 0
        self.state, self.since = state, now
        self.moves.count(state)
        self.link.moved(state, now)

    # what guards ask

    def _always(self, now: int) -> bool:
        return True

    def _is_overdue(self, now: int) -> bool:
        return (self.target is not None or self.paused) and now - self._progress > self._evict

    def _is_paused(self, now: int) -> bool:
        return self.paused

    def _is_late(self, now: int) -> bool:
        return self.target is not None and now - self._asked > self._patience

    def _is_long(self, now: int) -> bool:
        return now - self.since > self._long

    def _has_room(self, now: int) -> bool:
        return self.unanswered < self.window

    def _is_full(self, now: int) -> bool:
        return self.unanswered >= self.window

    def _is_worth_asking(self, now: int) -> bool:
        return self.target is None and (
            now - self.pinged >= self._pulse.heartbeat or 2 * self.unanswered >= self.window
        )

    def _is_answered(self, now: int) -> bool:
        return self.target is None

    def _is_rested(self, now: int) -> bool:
        return self.target is None and now - self._sent_at >= self._rest

    def _is_silent(self, now: int) -> bool:
        return self.target is None and now - self.pinged >= self._pulse.heartbeat

    def _is_unfinished(self, now: int) -> bool:
        return self._partial and now - self.pinged >= self._again

    def _is_quick(self, now: int) -> bool:
        return self._quick

    def _is_trusted(self, now: int) -> bool:
        return self._good >= self.need

    # what actions do

    def _do_nothing(self, now: int) -> None:
        pass

    def _send(self, now: int) -> None:
        self.unanswered += self.link.send_news(now)

    def _hold_back(self, now: int) -> None:
        self._full = True

    def _send_and_ask(self, now: int) -> None:
        size = self.link.send_news(now)
        if size:
            self.unanswered += size
            self._sent_at = now
            self.ask(now)

    def _ping(self, now: int) -> None:
        self.pinged, self._partial = now, False
        self.nonce = self.link.ping(now)

    def _note(self, now: int) -> None:
        self._partial = True

    def _narrow(self, now: int) -> None:
        soon = now - self.since < self._relapse
        self.need = min(16 * self.limits.need, 2 * self.need) if soon else self.limits.need
        self.window = max(self.limits.window_floor, self.window // 2)
        self.fell_behind = True

    def _widen(self, now: int) -> None:
        self.window = min(self.limits.window_ceiling, 2 * self.window)


class _Step(NamedTuple):
    number: int  # of its rule
    holds: Callable[[Credit, int], bool]
    act: Callable[[Credit, int], None] | None  # None: stop reading
    to: State | None


_GUARDS: dict[Guard, Callable[[Credit, int], bool]] = {
    Guard.ALWAYS: Credit._always,
    Guard.OVERDUE: Credit._is_overdue,
    Guard.PAUSED: Credit._is_paused,
    Guard.LATE: Credit._is_late,
    Guard.LONG: Credit._is_long,
    Guard.ROOM: Credit._has_room,
    Guard.FULL: Credit._is_full,
    Guard.WORTH_ASKING: Credit._is_worth_asking,
    Guard.ANSWERED: Credit._is_answered,
    Guard.RESTED: Credit._is_rested,
    Guard.SILENT: Credit._is_silent,
    Guard.UNFINISHED: Credit._is_unfinished,
    Guard.QUICK: Credit._is_quick,
    Guard.TRUSTED: Credit._is_trusted,
}
_ACTIONS: dict[Action, Callable[[Credit, int], None] | None] = {
    Action.NOTHING: Credit._do_nothing,
    Action.STOP: None,
    Action.SEND: Credit._send,
    Action.HOLD_BACK: Credit._hold_back,
    Action.SEND_AND_ASK: Credit._send_and_ask,
    Action.ASK: Credit.ask,
    Action.ASK_AGAIN: Credit._ping,
    Action.NOTE: Credit._note,
    Action.NARROW: Credit._narrow,
    Action.WIDEN: Credit._widen,
}


@cache
def _steps(ladder: tuple[Rule, ...]) -> dict[Event, dict[State, tuple[_Step, ...]]]:
    return {
        event: {
            state: tuple(
                _Step(number, _GUARDS[rule.when], _ACTIONS[rule.do], rule.to)
                for number, rule in enumerate(ladder)
                if rule.on is event and state in rule.states
            )
            for state in State
        }
        for event in Event
    }
