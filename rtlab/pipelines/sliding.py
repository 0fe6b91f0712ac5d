"""`window`: the last rows of a stream as one frame, with each frame anew."""

from typing import Any

import numpy as np

from rtlab.errors import ConfigError, LocalError
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.stream import FrameStream, Metadata, Pending, register

LARGEST = 100_000


@register
class window(FrameStream):
    """Emit with each frame the last `rows` rows, or those of the last `interval` of event time, as one frame.

    At most `limit` rows are kept, the newest; `dropped` counts those that an interval lost to that bound.
    """

    def __init__(
        self,
        upstream: FrameStream,
        rows: int | None = None,
        interval: str | int | None = None,
        *,
        limit: int = LARGEST,
        **settings: Any,
    ) -> None:
        if (rows is None) == (interval is None):
            raise ConfigError("a window is one of rows or of time", expected="rows= or interval=", got=rows)
        if not 1 <= (limit if rows is None else rows) <= LARGEST:
            raise ConfigError("a window is out of range", expected=f"1 to {LARGEST:,} rows", got=rows)
        self.dropped = 0
        self._limit = limit if rows is None else rows
        self._interval = None if interval is None else interval_ns(interval)
        self._kept: Frame | None = None
        super().__init__(upstream, **settings)
        self.channel = getattr(upstream, "channel", None)

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Add a frame and emit what is in the window then."""
        if not isinstance(x, Frame):
            raise LocalError("a window takes frames", expected="a Frame", got=x)
        kept = x if self._kept is None else joined(self._kept, x)
        if self._interval is not None and kept.rows:
            ts = kept["ts"]
            kept = kept.part(int((ts > ts.max() - self._interval).argmax()), None)
            self.dropped += max(0, kept.rows - self._limit)
        self._kept = kept.part(max(0, kept.rows - self._limit), None)
        return self._emit(self._kept, metadata)


def joined(first: Frame, then: Frame) -> Frame:
    """Give the rows of two frames as one; LocalError when they have other columns."""
    if first.columns.keys() != then.columns.keys():
        raise LocalError("frames do not fit together", expected=list(first.columns), got=list(then.columns))
    columns = {name: np.concatenate([column, then[name]]) for name, column in first.columns.items()}
    return Frame(then.channel, then.instrument, columns, then.key)
