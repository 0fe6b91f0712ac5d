"""The depth chart: how much the book holds up to each price."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import param
from bokeh.models import BasicTicker, ColumnDataSource, CustomJS, NumeralTickFormatter, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray
from panel.viewable import Child

from rtlab.model import Instrument
from rtlab.pipelines import units
from rtlab.views.beat import Beat
from rtlab.views.dense import places
from rtlab.views.digits import Digits
from rtlab.views.live import OURS, Face, LivePanel, Waiting, alter, chart, script
from rtlab.views.theme import Colours, dress

Levels = Sequence[tuple[int, int]]
Floats = NDArray[np.float64]
Curve = tuple[Floats, Floats]

MOST_STEPS = 200
NOTHING: dict[str, Any] = {"x": [0.0, 0.0], "y": [0.0, 0.0]}
PERIOD_NS = 100_000_000  # a figure is dearer to paint than text, and is read as a shape

# the browser sets its ranges itself: a range set from here would come back as if the reader had moved it
_FIT = """
const {x0, x1, y1} = cb_obj.data
x.setv({start: x0[0], end: x1[0]}, {sync: false})
y.setv({start: 0, end: y1[0]}, {sync: false})
"""


def cumulated(levels: Levels, instrument: Instrument) -> Curve:
    """Give the prices of `levels` and the quantity up to and including each, in units."""
    rows = np.asarray(levels, dtype=np.int64).reshape(-1, 2)
    return units(rows[:, 0], instrument.tick_size), units(np.cumsum(rows[:, 1]), instrument.lot_size)


def within(curve: Curve, middle: float, across: float, most: int = MOST_STEPS) -> Curve:
    """Give the part of a curve up to `across` from `middle`, and one point beyond, so that it leaves the frame.

    Of more than `most` points: the first, the last and evenly between.
    """
    prices, sums = curve
    inside = int(np.count_nonzero(np.abs(prices - middle) <= across))
    seen = np.arange(min(len(prices), inside + 1))
    if len(seen) > most:
        seen = seen[np.linspace(0, len(seen) - 1, most).round().astype(np.int64)]
    return prices[seen], sums[seen]


def reach(curve: Curve, middle: float, share: float = 0.9) -> float:
    """Give how far from `middle` a curve has come to `share` of all it holds; stray far levels do not count."""
    prices, sums = curve
    return abs(float(prices[np.searchsorted(sums, share * sums[-1])]) - middle)


def steady(wanted: float, held: float, low: float, high: float) -> float:
    """Give `held` while `wanted` is `low` to `high` times that, else `wanted`: so that an axis stands still."""
    return held if low * held <= wanted <= high * held else wanted


class DepthFace(Face):
    """The chart, and what is kept of it."""

    _esm = script("figures.js", "keep.js", "badge.js", "depth.js")

    symbol = param.String()
    chart = Child()


class DepthChart(LivePanel):
    """Cumulative depth of both sides around the middle price, as steps."""

    def __init__(self, instrument: Instrument, *, theme: str = "light") -> None:
        super().__init__(theme=theme)
        self.instrument = instrument
        self._levels: tuple[Levels, Levels] = ((), ())
        self._across = self._up = 0.0
        # never empty: BokehJS 3.9 does not come back from painting a stepped area without points
        self._sources = [ColumnDataSource(NOTHING) for _ in range(2)]
        self._view = ColumnDataSource({"x0": [0.0], "x1": [1.0], "y1": [1.0]})
        self._figure = self._build()
        self._waiting = Waiting(self._figure, f"Waiting for the book of {instrument.symbol} …")
        self._pane = chart(self._figure, min_height=200)
        self._face = DepthFace(
            self, "", symbol=instrument.symbol, chart=self._pane, sizing_mode="stretch_both", min_height=200
        )
        self._wear(self.colours)

    @property
    def visual(self) -> Face:
        """The chart itself."""
        return self._face

    def join(self, beat: Beat) -> None:
        """Be part of a page, as any panel; the chart is as high as its place."""
        self._pane.min_height = None
        super().join(beat)

    def update(self, bids: Levels, asks: Levels) -> None:
        """Show these levels, best first. All count; at most 200 steps a side are drawn, ten times a second."""
        self._levels = (bids, asks)
        self._mark(PERIOD_NS)

    def _draw(self) -> None:
        curves = [cumulated(levels, self.instrument) for levels in self._levels]
        best = [float(prices[0]) for prices, _ in curves if len(prices)]
        if not best:
            self._empty()
            return
        middle = sum(best) / len(best)
        wide = max(reach(curve, middle) for curve in curves if len(curve[0]))
        wide = max(wide, float(self.instrument.tick_size)) * (1 + 1e-9)  # the level at that very price is in
        self._across = steady(wide, self._across, 0.85, 1.15)
        low, high = middle - self._across, middle + self._across
        bids, asks = (within(curve, middle, self._across) for curve in curves)
        top = max(float(sums[(prices >= low) & (prices <= high)][-1]) for prices, sums in curves if len(sums))
        self._up = steady(1.15 * top, self._up, 0.6, 1.15)
        for source, (prices, sums), outwards in zip(self._sources, (bids, asks), (-1, 1), strict=True):
            # as lists: they travel inside the message, where every array is two WebSocket frames more
            x, y = [*prices[:1].tolist(), *prices.tolist()], [0.0, *sums.tolist()]
            source.data = {"x": x[::outwards], "y": y[::outwards]} if len(prices) else NOTHING
        self._view.data = {"x0": [low], "x1": [high], "y1": [self._up]}
        shown = [len(prices) for prices, _ in (bids, asks)]
        self._face._send_msg(
            {
                "shown": sum(shown),
                "held": sum(map(len, self._levels)),
                "exact": max(shown) < MOST_STEPS,
                "merged": self.merged,
            }
        )
        self._waiting.over()
        if not self._pane._models:  # for the first picture, and the only one where no browser runs our script
            self._figure.x_range.update(start=low, end=high)
            self._figure.y_range.update(start=0, end=self._up)

    def _empty(self) -> None:
        """Show no levels of a book that was emptied: its source does not vouch for it any more."""
        if not self._waiting.text:
            for source in self._sources:
                source.data = NOTHING
            self._waiting.again()

    def _build(self) -> figure:
        x, y = Range1d(start=0, end=1), Range1d(start=0, end=1)
        self._view.js_on_change("data", CustomJS(args={"x": x, "y": y}, code=_FIT))
        plot = figure(
            name="depth",
            x_range=x,
            y_range=y,
            tools="",
            toolbar_location=None,
            min_border=4,
            min_border_left=34,
            min_border_right=28,
            sizing_mode="stretch_both",
        )
        plot.tags = [OURS, self._view]  # else that would be in no document
        decimals = Digits(self.instrument.tick_size).decimals
        plot.xaxis.formatter = places(decimals)
        plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
        plot.xaxis.ticker, plot.yaxis.ticker = (
            BasicTicker(desired_num_ticks=3),
            BasicTicker(desired_num_ticks=4),
        )
        bids, asks = self._sources
        self._areas = (
            plot.varea_step("x", 0, "y", source=bids, step_mode="before", fill_alpha=0.18).glyph,
            plot.varea_step("x", 0, "y", source=asks, step_mode="after", fill_alpha=0.18).glyph,
        )
        self._edges = (
            plot.step("x", "y", source=bids, mode="before", line_width=1.5).glyph,
            plot.step("x", "y", source=asks, mode="after", line_width=1.5).glyph,
        )
        return plot

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name
        alter(self._pane, lambda: self._dress(colours))

    def _dress(self, colours: Colours) -> None:
        dress(self._figure, colours, filled=self.filled)
        self._waiting.wear(colours)
        for area, edge, side in zip(self._areas, self._edges, (colours.bid, colours.ask), strict=True):
            area.update(fill_color=side)
            edge.update(line_color=side)

    def __repr__(self) -> str:
        best = [levels[0][0] if levels else None for levels in self._levels]
        prices = Digits(self.instrument.tick_size)
        bid, ask = ("none" if ticks is None else prices(ticks) for ticks in best)
        return f"DepthChart({self.instrument.symbol}, bid={bid}, ask={ask})"
