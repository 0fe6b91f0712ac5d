"""The ladder as a table: how one connection is treated, what moves it, and what it is then sent.

Theory of operation. An empty send buffer does not mean that a reader is current: a kernel hides seconds of
messages. So pings go in band, their answers say what was applied, and what was sent and not yet answered for is
bounded by a window. A reader that answers late is LAGGING: it gets one merged batch, and the next one only after
its answer. One that lags for long is DEGRADED: its batches come at a lower rate and, where it consented to that,
with less depth. A few prompt answers in a row bring either back to LIVE; no progress for long ends the connection.

`LADDER` holds the rules. When an event happens they are read from the top. A rule whose states name the present
one (as the rules above left it) and whose guard holds is carried out: its action, then its move. `Action.STOP`
ends the reading. What no rule names does not happen. Beside the table, in every state: an answer that claims more
than was ever sent is a ProtocolError (4002).

What cannot happen: two questions out at once; more than window + one batch unanswered while LIVE; more than one
batch unanswered while LAGGING or DEGRADED (beyond what was out when it began to lag); a state that a reader which
answers promptly does not leave towards LIVE; a reader that makes no progress and is kept.
"""

from enum import Enum, StrEnum, auto
from typing import NamedTuple


class State(StrEnum):
    """How a connection is treated."""

    LIVE = "LIVE"
    LAGGING = "LAGGING"
    DEGRADED = "DEGRADED"
    EVICTED = "EVICTED"


class Event(Enum):
    """What happens to a connection."""

    TICK = auto()
    """time passed, or there may be news"""
    ANSWER = auto()
    """the reader has applied all that the question was for"""
    SHORT_ANSWER = auto()
    """it has applied less than that"""
    GIVEN_UP = auto()
    """the server needs the memory that it holds for this reader"""


class Guard(Enum):
    """What must hold for a rule. "Asked": a question is out."""

    ALWAYS = auto()
    OVERDUE = auto()
    """asked or paused, and no progress for `evict_after_s`"""
    PAUSED = auto()
    """the transport's buffer is full"""
    LATE = auto()
    """asked for longer than the best of the last round trips + `slack_s`"""
    LONG = auto()
    """in this state for `degrade_after_s`"""
    ROOM = auto()
    """unanswered bytes < window"""
    FULL = auto()
    """unanswered bytes >= window"""
    WORTH_ASKING = auto()
    """not asked, and a heartbeat is over or half the window is unanswered"""
    ANSWERED = auto()
    """not asked"""
    RESTED = auto()
    """not asked, and the last batch went `degraded_interval_s` ago"""
    SILENT = auto()
    """not asked, and a heartbeat is over"""
    UNFINISHED = auto()
    """the last answer fell short, and `ask_again_s` is over since the last ping"""
    QUICK = auto()
    """answered within the best round trip + half of `slack_s`, and half the window was in use"""
    TRUSTED = auto()
    """`need` prompt answers in a row (doubled on each relapse within `relapse_s`)"""


class Action(Enum):
    """What a rule does."""

    NOTHING = auto()
    STOP = auto()
    SEND = auto()
    """send one batch of what is due"""
    HOLD_BACK = auto()
    """remember that news had to wait for the window"""
    SEND_AND_ASK = auto()
    """send one merged batch, and ask for it if there was one"""
    ASK = auto()
    """ping: what was applied of all that was sent so far?"""
    ASK_AGAIN = auto()
    """ping once more for the same, by the same clock"""
    NOTE = auto()
    """remember that the answer fell short"""
    NARROW = auto()
    """halve the window, not below `window_floor`; on a quick relapse double `need`"""
    WIDEN = auto()
    """double the window, up to `window_ceiling`"""


class Rule(NamedTuple):
    """A row of the ladder; `to` None: the state stays."""

    states: tuple[State, ...]
    on: Event
    when: Guard
    do: Action = Action.NOTHING
    to: State | None = None


_LIVE, _LAGGING, _DEGRADED = (State.LIVE,), (State.LAGGING,), (State.DEGRADED,)
_BEHIND = _LAGGING + _DEGRADED
_ANY = _LIVE + _BEHIND

START = State.LAGGING
"""One batch and one question; the first answer, being prompt, makes it LIVE."""

LADDER: tuple[Rule, ...] = (
    Rule(_ANY, Event.TICK, Guard.OVERDUE, to=State.EVICTED),
    Rule(_LIVE, Event.TICK, Guard.PAUSED, Action.NARROW, State.LAGGING),
    Rule(_LIVE, Event.TICK, Guard.LATE, Action.NARROW, State.LAGGING),
    Rule(_LAGGING, Event.TICK, Guard.LONG, to=State.DEGRADED),
    Rule(_ANY, Event.TICK, Guard.PAUSED, Action.STOP),
    Rule(_LIVE, Event.TICK, Guard.FULL, Action.HOLD_BACK),
    Rule(_LIVE, Event.TICK, Guard.ROOM, Action.SEND),
    Rule(_LIVE, Event.TICK, Guard.WORTH_ASKING, Action.ASK),
    Rule(_LAGGING, Event.TICK, Guard.ANSWERED, Action.SEND_AND_ASK),
    Rule(_DEGRADED, Event.TICK, Guard.RESTED, Action.SEND_AND_ASK),
    Rule(_BEHIND, Event.TICK, Guard.SILENT, Action.ASK),
    Rule(_ANY, Event.TICK, Guard.UNFINISHED, Action.ASK_AGAIN),
    Rule(_ANY, Event.SHORT_ANSWER, Guard.ALWAYS, Action.NOTE),
    Rule(_LIVE, Event.ANSWER, Guard.QUICK, Action.WIDEN),
    Rule(_BEHIND, Event.ANSWER, Guard.TRUSTED, to=State.LIVE),
    Rule(_ANY, Event.GIVEN_UP, Guard.ALWAYS, to=State.EVICTED),
)
"""The rules, in the order in which they are read."""


class Moves:
    """Counts how often a state was entered (not the START), also in `total` for all connections that share it."""

    def __init__(self, total: "Moves | None" = None) -> None:
        self.into: dict[State, int] = dict.fromkeys(State, 0)
        self._total = total

    def count(self, state: State) -> None:
        """Count one move."""
        self.into[state] += 1
        if self._total is not None:
            self._total.count(state)
