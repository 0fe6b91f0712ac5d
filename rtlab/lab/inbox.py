"""From the lab's thread to the page's: at most one state waits, and it is the newest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import cast

from rtlab.views.home import Home
from rtlab.views.page import MarketState

TRADES_KEPT = 100

Bars = Iterable[Sequence[int]]
Columns = Mapping[str, Sequence[int]]


class Inbox:
    """Hands states to `take` on the event loop that it was made on; without one, at once.

    While that loop is busy states are merged into one: the newest book, all changed bars, the last
    TRADES_KEPT trades. None means: begin anew, and what waited before it is forgotten.
    """

    def __init__(self, take: Callable[[MarketState | None], None]) -> None:
        self._take = take
        self._lock = Lock()
        self._anew = False
        self._waiting: MarketState | None = None
        self._home = Home()

    def put(self, state: MarketState | None) -> None:
        """Take a state in; any thread may call it."""
        with self._lock:
            is_first = self._waiting is None and not self._anew
            if state is None:
                self._anew, self._waiting = True, None
            else:
                self._waiting = state if self._waiting is None else merge(self._waiting, state)
        if is_first:
            self._home.call(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            anew, state = self._anew, self._waiting
            self._anew, self._waiting = False, None
        if anew:
            self._take(None)
        if state is not None:
            self._take(state)


def merge(older: MarketState, newer: MarketState) -> MarketState:
    """Give one state that says what both say: the newer book, the bars and the last trades of both, as rows."""
    bars = {row[0]: row for state in (older, newer) for row in cast("Bars", state.bars)}
    trades = _joined(cast("Columns | None", older.trades), cast("Columns | None", newer.trades))
    return newer._replace(bars=list(bars.values()), trades=trades)


def _joined(older: Columns | None, newer: Columns | None) -> Columns | None:
    if older is None or newer is None:
        return newer if older is None else older
    return {name: [*older[name], *newer[name]][-TRADES_KEPT:] for name in newer}
