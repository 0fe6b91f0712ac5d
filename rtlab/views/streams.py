"""Give the streams of the pipelines a picture: `stream.plot()`, `stream.to_holoviews()`, `stream.to_source()`.

Importing this module adds them to every FrameStream; panel and holoviews are imported by the first call.
"""

import weakref
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from rtlab.pipelines import FrameStream
from rtlab.views.home import Home

if TYPE_CHECKING:
    import holoviews as hv
    from bokeh.models import ColumnDataSource

    from rtlab.views.pictures import StreamPlot

LINES: Mapping[str, str] = {
    "vwap": "vwap",
    "spread": "spread",
    "microprice": "microprice",
    "order_flow_imbalance": "imbalance",
    "ticker": "mid",
    "book": "mid",
}
"""The column that is drawn of a channel, as a line."""


class Taker(Protocol):
    """What can be shown what a stream brings."""

    def take(self, frame: Any, /) -> None:
        """Show one more frame, or whatever else the stream brings."""


MOST_WAITING = 1000


class Feed:
    """Calls `take` of an object with each frame of a stream (of any streamz stream: with each of what it brings).

    It ends when nobody holds the object any more.

    Made where an event loop runs (Jupyter), it calls there, whatever thread the stream lives in: a notebook is
    drawn to from its own thread. While that loop is busy at most MOST_WAITING frames wait; then the oldest go,
    and `dropped` counts them.
    """

    def __init__(self, stream: FrameStream, shown: Taker) -> None:
        self.dropped = 0
        self._there = weakref.ref(shown)
        self._waiting: deque[Any] = deque(maxlen=MOST_WAITING)
        self._is_called = False
        self._home = Home()

        def pass_on(frame: Any) -> None:
            self.dropped += len(self._waiting) == MOST_WAITING
            self._waiting.append(frame)
            if not self._is_called:
                self._is_called = True
                self._home.call(self._deliver)

        self._stream = stream
        self._sink: FrameStream | None = stream.sink(pass_on)

    def _deliver(self) -> None:
        self._is_called = False  # first: a frame that comes from here on calls again
        shown = self._there()
        if shown is None:
            self.end()
            self._waiting.clear()
            return
        while self._waiting:
            shown.take(self._waiting.popleft())

    def end(self) -> None:
        """Leave the stream."""
        if self._sink is not None:
            self._stream.disconnect(self._sink)
            self._sink.destroy()
            self._sink = None


def plot(stream: FrameStream, *, height: int = 320, theme: str = "light") -> "StreamPlot":
    """Show the stream live: trades as prices, bars as candles, quotes and analytics as a line over time.

    ConfigError for a stream that has no picture.
    """
    from rtlab.views.pictures import StreamPlot

    return StreamPlot(stream, height=height, theme=theme)


def to_holoviews(stream: FrameStream, column: str | None = None, *, rows: int = 1000) -> "hv.DynamicMap":
    """Give the last `rows` of a column (by default the one that matters most) as a live HoloViews curve."""
    from rtlab.views.curves import Curve

    return Curve(stream, column, rows).map


def to_source(stream: FrameStream, *, rollover: int = 10_000) -> "ColumnDataSource":
    """Give a Bokeh ColumnDataSource with the last `rollover` rows, kept up to date as long as somebody holds it."""
    from rtlab.views import column_source

    return column_source.to_source(stream, rollover=rollover)


for _method in (plot, to_holoviews, to_source):
    FrameStream.register_api(attribute_name=_method.__name__)(_method)
