"""The live picture of a stream, chosen by what its frames hold."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import panel as pn
from panel.viewable import Viewable, Viewer

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.pipelines.analytics import BarsFold
from rtlab.pipelines.nodes import FoldNode
from rtlab.views.candles import Candles
from rtlab.views.host import push
from rtlab.views.layered import LayeredPlot
from rtlab.views.price import PriceChart
from rtlab.views.pyramid import milliseconds
from rtlab.views.streams import LINES, Feed
from rtlab.views.theme import colours


class Picture(NamedTuple):
    """A view and what shows it a frame."""

    view: Viewer
    show: Callable[[Frame], object]


class Line:
    """One column of frames as a line over time. A row that comes late is drawn at the time of the newest before."""

    def __init__(self, column: str, symbol: str, height: int, theme: str) -> None:
        self.plot = LayeredPlot(
            title=f"{symbol} {column}", height=height, span=60_000, theme=colours(theme).name
        )
        self._column, self._newest = column, -np.inf

    def take(self, frame: Frame) -> None:
        """Add the rows of a frame that have a number."""
        if self._column == "mid":
            both = (frame["bid_qty"] > 0) & (frame["ask_qty"] > 0)
            y = np.where(both, (frame["bid"] + frame["ask"]) / 2, np.nan)
        else:
            y = np.asarray(frame[self._column], dtype=np.float64)
        finite = np.isfinite(y)
        x = np.maximum.accumulate(np.maximum(milliseconds(frame["ts"]), self._newest))[finite]
        if len(x):
            self._newest = float(x[-1])
            self.plot.append(x, y[finite])


def picture(stream: FrameStream, frame: Frame, *, height: int, theme: str) -> Picture:
    """Choose the picture for a stream by the channel of one of its frames; ConfigError when there is none."""
    channel, instrument = frame.channel, frame.instrument
    if channel == "trades":
        prices = PriceChart(instrument, height=height, theme=theme)
        return Picture(prices, prices.append)
    if channel == "bars" and isinstance(stream, FoldNode) and isinstance(stream.fold, BarsFold):
        candles = Candles(instrument, stream.fold.interval_ns, theme=theme)
        candles.visual.param.update(height=height, sizing_mode="stretch_width")
        return Picture(candles, candles.update)
    if channel in LINES:
        line = Line(LINES[channel], instrument.symbol, height, theme)
        return Picture(line.plot, line.take)
    raise _unknown(channel)


def _unknown(channel: str | None) -> ConfigError:
    known = ", ".join(["trades", "bars", *LINES])
    return ConfigError(
        "there is no picture for this stream", expected=f"frames of one of {known}", got=channel
    )


def recent(stream: FrameStream) -> Frame | None:
    """Give the latest rows that a stream keeps, as one frame; None before the first."""
    latest = stream.latest_frame
    if latest is None:
        return None
    rows = stream.to_frame()
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    if rows.index.name:
        columns[str(rows.index.name)] = pd.DatetimeIndex(rows.index).as_unit("ns").asi8
    return Frame(latest.channel, latest.instrument, columns, latest.key)


class StreamPlot(Viewer):
    """The live picture of a stream. Begins with the stream's latest rows, as soon as there are some.

    Fed while it is shown or has not been shown yet: who closed its page or cleared its cell, and shows it again,
    sees it go on from then.
    """

    def __init__(self, stream: FrameStream, *, height: int = 320, theme: str = "light") -> None:
        if stream.channel is not None and stream.channel not in ("trades", "bars", *LINES):
            raise _unknown(stream.channel)
        super().__init__()  # type: ignore[no-untyped-call]
        self.stream, self._height, self._theme = stream, height, colours(theme).name
        self._picture: Picture | None = None
        self._seen = False
        waiting = pn.pane.Str(  # type: ignore[no-untyped-call]
            f"Waiting for {stream.channel or 'frames'} …", styles={"padding": "12px"}
        )
        self._place = pn.Column(waiting, sizing_mode="stretch_width", min_height=height, margin=0)
        latest = recent(stream)
        if latest is not None:
            self.take(latest)
        self._feed: Feed | None = Feed(stream, self)

    @property
    def view(self) -> Viewer | None:
        """What draws: PriceChart, Candles or LayeredPlot; None before the first frame."""
        return self._picture.view if self._picture else None

    @property
    def fed(self) -> bool:
        """Whether the stream still brings it frames."""
        return self._feed is not None

    def take(self, frame: Frame) -> None:
        """Show one more frame."""
        if self._seen and not self._place._models:
            self.close()
            return
        self._seen = self._seen or bool(self._place._models)
        if self._picture is None:
            self._picture = found = picture(self.stream, frame, height=self._height, theme=self._theme)
            if not push(self._place, lambda: self._hang(found.view)):
                self._hang(found.view)
        self._picture.show(frame)

    def close(self) -> None:
        """Leave the stream; what is drawn stays."""
        if self._feed is not None:
            self._feed.end()
            self._feed = None

    def _hang(self, view: Viewer) -> None:
        self._place[:] = [view]

    def __panel__(self) -> Viewable:
        self._seen = False
        if self._feed is None:
            self._feed = Feed(self.stream, self)
        return self._place

    def __repr__(self) -> str:
        shown = "waiting for its first frame" if self._picture is None else repr(self._picture.view)
        return f"StreamPlot({shown}{'' if self.fed else ', not fed'})"
