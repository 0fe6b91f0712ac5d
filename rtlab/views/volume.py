"""The volume of one instrument at each price, shared by all that show it: of the session, and of windows of time."""

from rtlab.pipelines import Frame
from rtlab.views.bubbles import Trades
from rtlab.views.profile import Profile
from rtlab.views.pyramid import milliseconds
from rtlab.views.tape import Columns, columns_of

Window = tuple[float, float]
"""two times, in ms since 1970"""


class Volume:
    """The volume of one instrument at each price, to be shared by any number of panels; any thread may append.

    `session` has all trades since the beginning. The newest `keep` are kept one by one, for windows of time.
    """

    def __init__(self, keep: int = 1 << 16) -> None:
        self.session, self.keep = Profile(), keep
        self._newest = Trades(keep)

    def append(self, trades: Frame | Columns) -> None:
        """Add trades: a frame or columns with `ts` (ns), `ticks`, `lots` and `side` (aggressor)."""
        columns = columns_of(trades)
        self._newest.append(columns)
        self.session.add(columns["ticks"], columns["lots"], columns["side"])

    def between(self, window: Window) -> tuple[Profile, bool]:
        """Give the volume of the trades kept within `window`, and whether it had older ones that are kept no more."""
        total = self._newest.total  # before the rows: more may come meanwhile
        rows = self._newest.since(0)
        at = milliseconds(rows[:, 0])  # as the charts have it: a trade at a window's very edge is in
        inside = rows[(at >= window[0]) & (at <= window[1])]
        profile = Profile()
        profile.add(inside[:, 1], inside[:, 2], inside[:, 3])
        return profile, total > len(rows) and float(at[0]) > window[0]
