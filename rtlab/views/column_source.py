"""`stream.to_source()`: a Bokeh ColumnDataSource that a stream keeps up to date, for pictures of one's own.

Bokeh's own `stream` and `patch` check the whole source again and compare it with what it was, at every call. The
columns of a frame are of equal length and of one kind, so here they are put in place as Bokeh puts them there, and
the document is told by the same two events.
"""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.document.events import ColumnsPatchedEvent, ColumnsStreamedEvent, DocumentPatchedEvent
from bokeh.models import ColumnDataSource

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.pipelines.frame import TIMES, Column

KEPT_ROWS = 10_000

Columns = dict[str, Any]


def empty() -> ColumnDataSource:
    """Give a source without columns, for `take`."""
    return ColumnDataSource()


def take(source: ColumnDataSource, frame: Frame, rollover: int) -> None:
    """Add a frame to `source` and keep its last `rollover` rows; what goes to a browser is what is new.

    Rows of a table (bars) replace those of equal key. Times are in ms, as Bokeh's datetime axes want them.
    """
    columns = {name: _shown(name, column) for name, column in frame.columns.items()}
    held: Any = source.data  # typed as what may be set
    if held.keys() != columns.keys():
        source.data = {name: column[-rollover:].copy() for name, column in columns.items()}
        return
    size = len(next(iter(held.values())))
    known = int(np.searchsorted(held[frame.key], columns[frame.key][0])) if frame.key else size
    again = min(size - known, frame.rows)
    if again:
        _patch(source, held, {name: column[:again] for name, column in columns.items()}, known)
    if again < frame.rows:
        new = {name: column[again:] for name, column in columns.items()} if again else columns
        _stream(source, held, new, rollover)


def _shown(name: str, column: Column) -> Column:
    if name in TIMES:
        return column / 1e6
    return column.astype(np.float64) if column.dtype == object else column


def _patch(source: ColumnDataSource, held: Columns, columns: Columns, first: int) -> None:
    old, place = dict(held), slice(first, first + len(next(iter(columns.values()))))
    for name, column in columns.items():
        held[name][place] = column
    patches = {name: [(place, column)] for name, column in columns.items()}
    _tell(source, old, lambda document: ColumnsPatchedEvent(document, source, "data", patches))


def _stream(source: ColumnDataSource, held: Columns, columns: Columns, rollover: int) -> None:
    old = dict(held)
    for name, column in columns.items():
        before, room = old[name], max(0, rollover - len(column))
        joined = np.concatenate((before[max(0, len(before) - room) :], column[-rollover:]))
        dict.__setitem__(held, name, joined)
    _tell(source, old, lambda document: ColumnsStreamedEvent(document, source, "data", columns, rollover))


def _tell(source: ColumnDataSource, old: Columns, event: Callable[[Document], DocumentPatchedEvent]) -> None:
    document = source.document
    source.trigger("data", old, source.data, hint=None if document is None else event(document))


class _Taker:
    """Gives frames to a source that somebody else holds."""

    def __init__(self, source: ColumnDataSource, rollover: int) -> None:
        self._source, self._rollover = weakref.ref(source), rollover

    def take(self, frame: Frame) -> None:
        """Show one more frame: in a served page in its document's own turn."""
        source = self._source()
        if source is None:
            return
        document = source.document
        if document is not None and document.session_context is not None:
            document.add_next_tick_callback(lambda: take(source, frame, self._rollover))
        else:
            take(source, frame, self._rollover)


def to_source(stream: FrameStream, *, rollover: int = KEPT_ROWS) -> ColumnDataSource:
    """Give a ColumnDataSource with the last `rollover` rows, kept up to date as long as somebody holds it.

    It begins with the rows that the stream still has at hand. Times are in ms.
    """
    from rtlab.views.streams import Feed

    if rollover < 1:
        raise ConfigError("a number of rows to keep is out of range", expected="at least 1", got=rollover)
    source = empty()
    for frame in stream.kept_frames():
        take(source, frame, rollover)
    taker = _Taker(source, rollover)
    source._rtlab_feed = taker, Feed(stream, taker)  # type: ignore[attr-defined]  # lives as long as the source
    return source
