"""A stream as a HoloViews curve: for analysts' compositions, at their pace."""

import holoviews as hv
import pandas as pd

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.views.streams import LINES, Feed


class Curve:
    """The latest rows of a stream as a HoloViews curve, redrawn with each frame: for composition, not for speed."""

    def __init__(self, stream: FrameStream, column: str | None, rows: int) -> None:
        self._stream, self._column, self._rows = stream, column, rows
        self.pipe = hv.streams.Pipe(data=None)
        self.map = hv.DynamicMap(self._draw, streams=[self.pipe])
        self.map.rtlab_curve = self  # who holds the map keeps it fed
        self._feed = Feed(stream, self)

    def take(self, frame: Frame) -> None:
        """Have the curve drawn anew where it is shown."""
        if self.pipe.subscribers:
            self.pipe.send(None)

    def _draw(self, data: object = None) -> hv.Curve:
        rows = self._stream.to_frame(self._rows)
        if rows.empty:
            name = self._column or LINES.get(self._stream.channel or "", "price")
            return hv.Curve([], "time", name)
        if {"bid", "ask"} <= set(rows.columns):
            rows = rows.assign(mid=(rows["bid"] + rows["ask"]) / 2)
        name = self._column or _main(list(rows.columns), self._stream.channel)
        if name not in rows.columns:
            raise ConfigError("the stream has no such column", expected=", ".join(rows.columns), got=name)
        time = pd.DatetimeIndex(rows.index).tz_localize(None)
        return hv.Curve((time, rows[name].to_numpy()), "time", name)


def _main(columns: list[str], channel: str | None) -> str:
    for name in (LINES.get(channel or "", ""), "price", "close", "mid"):
        if name in columns:
            return name
    return columns[-1]
