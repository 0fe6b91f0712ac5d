"""A table in the browser that grows at its end: it is sent rows that are new or changed, and no others."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from bokeh.models import ColumnDataSource

Row = TypeVar("Row")
Columns = dict[str, Any]


class Change(NamedTuple):
    """What the browser lacks: all of it, or changed rows by index and rows to add behind."""

    whole: bool
    changed: list[int]
    added: int


def difference(drawn: Mapping[int, Row], wanted: Mapping[int, Row]) -> Change:
    """Tell how to get from `drawn` to `wanted`, both ascending by key and of at most equal length.

    A row that was the newest and is not any more has changed too: it is final now.
    """
    starts = list(drawn)
    kept = [start for start in wanted if drawn and start <= starts[-1]]
    if not kept or kept != starts[len(starts) - len(kept) :]:
        return Change(True, [], len(wanted))
    added = len(wanted) - len(kept)
    first = len(starts) - len(kept)
    last = len(starts) - 1
    changed = [
        first + i
        for i, start in enumerate(kept)
        if drawn[start] != wanted[start] or (added and first + i == last)
    ]
    return Change(False, changed, added)


class Growing(Generic[Row]):
    """Rows by key, as a Bokeh source with the columns `names`, of which the first never changes.

    `columns` makes those of some rows, and is told the newest key of all.
    """

    def __init__(self, names: tuple[str, ...], columns: Callable[[Mapping[int, Row], int], Columns]) -> None:
        self.names = names
        self.drawn: dict[int, Row] = {}
        self.source = ColumnDataSource({name: [] for name in names})
        self._columns = columns

    def forget(self) -> None:
        """Send all of it the next time: who appears may show what was drawn when it was last looked at."""
        self.drawn = {}

    def show(self, wanted: dict[int, Row], *, whole: bool = False) -> None:
        """Bring the browser to `wanted`, ascending by key; `whole` sends all of it whatever is there."""
        if not wanted:
            self._clear()
            return
        # early in a notebook the browser may send an older table back, in place of what was added since
        drawn = self.drawn if len(self.source.data[self.names[0]]) == len(self.drawn) else {}
        change, newest = difference(drawn, wanted), next(reversed(wanted))
        if change.whole or whole:
            self._clear()  # equal data would not be sent again
            self.source.data = self._columns(wanted, newest)
        else:
            self._patch(list(drawn), change, wanted, newest)
        self.drawn = wanted

    def _patch(self, starts: list[int], change: Change, wanted: dict[int, Row], newest: int) -> None:
        if change.changed:
            patch = self._columns({starts[i]: wanted[starts[i]] for i in change.changed}, newest)
            rows = {name: list(zip(change.changed, patch[name], strict=True)) for name in self.names[1:]}
            self.source.patch(rows)
        if change.added:
            new = self._columns(dict(list(wanted.items())[-change.added :]), newest)
            self.source.stream(new, rollover=len(wanted))

    def _clear(self) -> None:
        if self.source.data[self.names[0]]:
            self.source.data = {name: [] for name in self.names}
        self.drawn = {}
