"""The figures of a `Candles`: prices with volume, and below them a pane for each indicator that is no price."""

from collections.abc import Sequence
from typing import Any, cast

from bokeh.models import (
    BasicTicker,
    CategoricalColorMapper,
    ColumnDataSource,
    CrosshairTool,
    DatetimeTicker,
    DatetimeTickFormatter,
    FixedTicker,
    Range,
    Range1d,
)
from bokeh.models.annotations import Label, Span
from bokeh.plotting import figure
from bokeh.transform import transform

from rtlab.views.dense import AXIS_PX, TIMES, places
from rtlab.views.indicators import KINDS, Indicator
from rtlab.views.live import OURS
from rtlab.views.theme import FONT, Colours, dress

PANE_PX, AXIS_HEIGHT_PX = 72, 24


def _bare(x: Range, y: Range1d, ticker: Any) -> figure:
    plot = figure(
        tags=[OURS],
        x_range=x,
        y_range=y,
        x_axis_type="datetime",
        y_axis_location="right",
        tools="xpan,xwheel_zoom",
        active_scroll="xwheel_zoom",
        toolbar_location=None,
        min_border=4,
        min_border_right=AXIS_PX,
        sizing_mode="stretch_both",
    )
    plot.xaxis.ticker = ticker
    plot.xaxis.formatter = DatetimeTickFormatter(**TIMES)
    return plot


def price_figure(
    source: ColumnDataSource, holes: ColumnDataSource, mapper: CategoricalColorMapper, decimals: int
) -> figure:
    """Draw candles and volume of `source`, and pale strips where `holes` says that there is no candle."""
    ticker = DatetimeTicker(desired_num_ticks=4)  # the browser says how many fit
    plot = _bare(Range1d(start=0, end=1), Range1d(start=0, end=1), ticker)
    plot.name = "candles"
    plot.extra_y_ranges = {"volume": Range1d(start=0, end=1)}
    colour = transform("way", mapper)
    # not vbar: BokehJS moves those beside the frame to its edge, where many of them, or their lines, can be seen
    plot.rect(
        *("x", "half", "width", "volume"),
        source=source,
        y_range_name="volume",
        fill_color=colour,
        fill_alpha=0.25,
        line_color=None,
    )
    plot.segment("x", "high", "x", "low", source=source, line_color=colour)
    plot.rect(
        *("x", "middle", "width", "height"),
        source=source,
        fill_color=colour,
        fill_alpha="alpha",
        line_color=colour,
    )
    strip = plot.vstrip("left", "right", source=holes, line_color=None, fill_alpha=0.1, name="holes")
    strip.level = "underlay"
    plot.yaxis.formatter = places(decimals)
    return plot


def paint_holes(plot: figure, colours: Colours) -> None:
    """Give the strips without a candle their colour."""
    for renderer in plot.renderers:
        if renderer.name == "holes":
            cast(Any, renderer).glyph.fill_color = colours.muted


class Pane:
    """The figure of one indicator below the `main` one: the same window and times, heights of its own."""

    def __init__(self, indicator: Indicator, main: figure) -> None:
        kind = KINDS[indicator.kind]
        self.fixed = kind.most is not None
        most = 1.0 if kind.most is None else kind.most
        self.y = Range1d(start=kind.least or 0.0, end=most)
        self.figure = _bare(main.x_range, self.y, main.xaxis[0].ticker)
        self.figure.update(name=indicator.name, height=PANE_PX, sizing_mode="stretch_width", visible=False)
        if kind.marks:
            self.figure.yaxis.ticker = FixedTicker(ticks=list(kind.marks))
        else:
            self.figure.yaxis.ticker = BasicTicker(desired_num_ticks=2)
        words = indicator.name.upper()
        self._label = Label(x=6, y=PANE_PX - 26, x_units="screen", y_units="screen", text=words)
        self._label.update(
            text_font=FONT, text_font_size="11px", text_font_style="bold", background_fill_alpha=0.7
        )
        self.figure.add_layout(self._label)

    def wear(self, colours: Colours, *, filled: bool) -> None:
        """Put on other colours."""
        dress(self.figure, colours, filled=filled)
        self._label.update(text_color=colours.muted, background_fill_color=colours.surface)


def join_crosshair(figures: Sequence[figure]) -> Span:
    """Give the figures one crosshair: a line at the same time in all of them."""
    line = Span(dimension="height", line_dash="dotted", line_width=1)
    for plot in figures:
        plot.add_tools(CrosshairTool(overlay=line))
    return line


def arrange(main: figure, panes: Sequence[figure]) -> None:
    """Have the lowest figure that is seen tell the times, and no other; that of a pane is higher by its axis."""
    lowest = [main, *(pane for pane in panes if pane.visible)][-1]
    for plot in (main, *panes):
        plot.xaxis.visible = plot is lowest
        if plot is not main:
            plot.height = PANE_PX + AXIS_HEIGHT_PX * (plot is lowest)
