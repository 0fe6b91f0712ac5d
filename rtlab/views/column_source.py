"""`stream.to_source()`: a Bokeh ColumnDataSource that a stream keeps up to date, for pictures of one's own."""

import weakref
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.pipelines.frame import TIMES

KEPT_ROWS = 10_000


def empty() -> ColumnDataSource:
    """Give a source without columns, for `take`."""
    return ColumnDataSource()


def take(source: ColumnDataSource, frame: Frame, rollover: int) -> None:
    """Add a frame to `source` and keep its last `rollover` rows; what goes to a browser is what is new.

    Rows of a table (bars) replace those of equal key. Times are in ms, as Bokeh's datetime axes want them.
    """
    columns = {name: _shown(name, column) for name, column in frame.columns.items()}
    held = {name: np.asarray(column) for name, column in source.data.items()}
    if set(held) != set(columns):
        source.data = {name: column[-rollover:] for name, column in columns.items()}
        return
    size = len(next(iter(held.values())))
    known = int(np.searchsorted(held[frame.key], columns[frame.key][0])) if frame.key else size
    again = min(size - known, frame.rows)
    if again:
        place = slice(known, known + again)
        source.patch({name: [(place, column[:again])] for name, column in columns.items()})
    if again < frame.rows:
        source.stream({name: column[again:] for name, column in columns.items()}, rollover)


def _shown(name: str, column: Any) -> Any:
    if name in TIMES:
        return column / 1e6
    return column.astype(np.float64) if column.dtype == object else column.copy()


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
