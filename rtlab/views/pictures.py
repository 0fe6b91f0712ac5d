"""The live picture of a stream, chosen by what its frames hold."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.pipelines.analytics import BarsFold
from rtlab.pipelines.node import FoldNode
from rtlab.tabs import Others
from rtlab.views.awaited import Awaited, Tab
from rtlab.views.candles import Candles
from rtlab.views.layered import LayeredPlot
from rtlab.views.price import PriceChart
from rtlab.views.pyramid import milliseconds
from rtlab.views.streams import LINES, Feed
from rtlab.views.theme import colours


class Picture(NamedTuple):
    """A view and what shows it a frame."""

    view: PriceChart | Candles | LayeredPlot
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


class StreamPlot(Awaited):
    """The live picture of a stream. Begins with the stream's latest rows, as soon as there are some."""

    def __init__(self, stream: FrameStream, *, height: int = 320, theme: str = "light") -> None:
        if stream.channel is not None and stream.channel not in ("trades", "bars", *LINES):
            raise _unknown(stream.channel)
        super().__init__(stream.channel or "frames", height=height)
        self.stream, self._theme = stream, colours(theme).name
        self._picture: Picture | None = None
        self._feed: Feed | None = None
        self._tabs: Others[Tab] = Others()
        latest = recent(stream)
        if latest is not None:
            self.take(latest)
        self._start()

    @property
    def view(self) -> PriceChart | Candles | LayeredPlot | None:
        """What draws: PriceChart, Candles or LayeredPlot; None before the first frame."""
        return self._picture.view if self._picture else None

    @property
    def fed(self) -> bool:
        """Whether the stream still brings it frames."""
        return self._feed is not None

    def _show(self, came: Frame) -> None:
        if self._picture is None:
            self._picture = picture(self.stream, came, height=self._height, theme=self._theme)
            self._hang(self._picture.view)
        self._picture.show(came)
        for tab in self._tabs.all():
            tab.take(came)

    def _for_a_tab(self) -> Tab:
        self._start()
        return self._tabs.add(Tab(self._waits_for, self._another, height=self._height))

    def _another(self) -> PriceChart | Candles | LayeredPlot | None:
        return None if self._picture is None else self._picture.view.another()

    def _start(self) -> None:
        if self._feed is None:
            self._feed = Feed(self.stream, self)

    def _stop(self) -> None:
        if self._feed is not None:
            self._feed.end()
            self._feed = None

    def __repr__(self) -> str:
        shown = "waiting for its first frame" if self._picture is None else repr(self._picture.view)
        return f"StreamPlot({shown}{'' if self.fed else ', not fed'})"
