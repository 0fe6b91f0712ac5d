"""The figures of a report. Each part that is coloured says by a tag with which colour of the theme: `fill_color=bid`.

They are drawn once, in light; the page's script paints them for a reader who prefers dark. A line keeps the exact
M4 points of DRAWN columns, so that it looks like all of its points also when it is zoomed in a little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    BasicTickFormatter,
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    DatetimeTicker,
    DatetimeTickFormatter,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    ResetTool,
)
from bokeh.models.annotations import Label, Span
from bokeh.models.ui import UIElement
from bokeh.plotting import figure

from rtlab.pipelines import units
from rtlab.views.dense import places
from rtlab.views.digits import Digits
from rtlab.views.pyramid import Pyramid
from rtlab.views.report.values import Floats, Note, Part, Series
from rtlab.views.theme import LIGHT, dress

DRAWN = 2400  # pixel columns
ROOM = 84  # px beside each frame: equal, or frames of one instrument would not stand above each other
DEEP = 200  # levels a side of the last book
_CLOCK = dict.fromkeys(("milliseconds", "seconds", "minsec", "minutes", "hourmin", "hours"), "%H:%M:%S")
_TIMES: dict[str, Any] = {**_CLOCK, "days": "%d %b", "months": "%b %Y"}


def figures_of(part: Part, notes: Sequence[Note]) -> UIElement:
    """Give all figures of an instrument, one above the other on one axis of time, and its last book."""
    x0, x1 = _window(part)
    time = Range1d(start=x0, end=x1, bounds=(x0, x1))
    shown = [
        _line("Price of trades", part.price, time, "accent", Digits(part.instrument.tick_size).decimals),
        _candles(part, time),
        _line("Spread in ticks", part.spread, time, "warn", 0),
        _line("Order flow imbalance, summed", part.flow, time, "good", 0),
    ]
    _mark(
        shown[0],
        (x0 + x1) / 2,
        [one for one in enumerate(notes, 1) if one[1].symbol in ("", part.instrument.symbol)],
    )
    crosshair = Span(dimension="height", line_width=1, line_dash="dotted")
    paint(crosshair, line_color="muted")
    for one in shown:
        one.add_tools(CrosshairTool(overlay=crosshair))
    return column(*shown, _depth(part), sizing_mode="stretch_width")


def paint(model: Any, **colours: str) -> None:
    """Colour a model by names of the theme, in light, and tag it with them for the other theme."""
    model.tags = [*model.tags, *(f"{name}={colour}" for name, colour in colours.items())]
    model.update(**{name: getattr(LIGHT, colour) for name, colour in colours.items()})


def thinned(series: Series, width: int = DRAWN) -> Series:
    """Give the M4 points of a series on `width` columns: drawn there, it looks the same."""
    if len(series.x) <= 4 * width:
        return series
    chosen = Pyramid(series.x, series.y).view(float(series.x[0]), float(series.x[-1]) + 1e-3, width)
    return Series(series.x[chosen], series.y[chosen])


def _window(part: Part) -> tuple[float, float]:
    ends = [(one.x[0], one.x[-1]) for one in (part.price, part.spread) if len(one.x)]
    if part.bars is not None and part.bars.rows:
        start = part.bars["start"]
        ends.append((start[0] / 1e6, (start[-1] + part.interval_ns) / 1e6))
    if not ends:
        return 0.0, 1.0
    return float(min(first for first, _ in ends)), float(max(last for _, last in ends)) + 1.0


def _empty(title: str, **more: Any) -> figure:
    plot = figure(
        title=title,
        height=220,
        tools=[BoxZoomTool(dimensions="width"), ResetTool()],
        active_drag=None,  # a finger scrolls the page
        toolbar_location="above",
        y_axis_location="right",
        min_border_right=ROOM,
        min_border_left=6,
        styles={"clip-path": "inset(1px)"},  # BokehJS leaves something of an earlier painting at the edges
        sizing_mode="stretch_width",
        **more,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    dress(plot, LIGHT)
    return plot


def _over_time(title: str, time: Range1d) -> figure:
    plot = _empty(title, x_range=time, x_axis_type="datetime")
    plot.xaxis.formatter = DatetimeTickFormatter(**_TIMES)
    plot.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)  # as many as a phone has room for
    return plot


def _line(title: str, series: Series, time: Range1d, colour: str, decimals: int) -> figure:
    plot = _over_time(title, time)
    digits = "0,0." + "0" * decimals if decimals else "0,0.[00]"
    plot.yaxis.formatter = NumeralTickFormatter(format=digits)
    drawn = thinned(series)
    line = plot.line(
        "x", "y", source=ColumnDataSource({"x": drawn.x, "y": drawn.y}), line_width=1.2, line_join="round"
    )
    paint(line.glyph, line_color=colour)
    told = [("", "@x{%F %T.%3N}"), ("", f"@y{{{digits}}}")]
    plot.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=told, formatters={"@x": "datetime"}))
    return plot


def _candles(part: Part, time: Range1d) -> figure:
    seconds = part.interval_ns / 1e9
    plot = _over_time(f"Candles of {seconds:g} s, and volume", time)
    decimals = Digits(part.instrument.tick_size).decimals
    plot.yaxis.formatter = places(decimals)
    bars = part.bars
    if bars is None or not bars.rows:
        return plot
    low, high, volume = float(bars["low"].min()), float(bars["high"].max()), float(bars["volume"].max())
    room = (high - low) or abs(high) * 1e-4 or 1.0
    plot.y_range = Range1d(start=low - 0.34 * room, end=high + 0.06 * room)
    plot.extra_y_ranges = {"volume": Range1d(start=0, end=5 * volume or 1)}
    width = part.interval_ns / 1e6
    rises = bars["close"] >= bars["open"]
    for way, colour in ((rises, "bid"), (~rises, "ask")):
        x = bars["start"][way] / 1e6 + width / 2
        source = ColumnDataSource(
            {"x": x, **{name: bars[name][way] for name in ("open", "high", "low", "close", "volume")}}
        )
        swept = plot.vbar(
            "x",
            width * 0.7,
            "volume",
            0,
            source=source,
            y_range_name="volume",
            fill_alpha=0.25,
            line_color=None,
        )
        paint(swept.glyph, fill_color=colour)
        paint(plot.segment("x", "high", "x", "low", source=source).glyph, line_color=colour)
        body = plot.vbar("x", width * 0.7, "open", "close", source=source)
        paint(body.glyph, fill_color=colour, line_color=colour)
        names = ("open", "high", "low", "close", "volume")
        told = [(name, f"@{name}{{0,0.[0000]}}") for name in names]
        plot.add_tools(HoverTool(renderers=[body], tooltips=told, mode="vline"))
    return plot


def _depth(part: Part) -> figure:
    plot = _empty("The book at the end: quantity up to a price")
    plot.xaxis.formatter = plot.yaxis.formatter = BasicTickFormatter(use_scientific=False)
    for levels, colour in ((part.bids, "bid"), (part.asks, "ask")):
        x, y = _summed(part, levels[:DEEP])
        source = ColumnDataSource({"x": x, "y": y})
        area = plot.varea_step("x", 0, "y", source=source, step_mode="after" if colour == "ask" else "before")
        area.glyph.fill_alpha = 0.25
        paint(area.glyph, fill_color=colour)
        step = plot.step(
            "x", "y", source=source, mode="after" if colour == "ask" else "before", line_width=1.5
        )
        paint(step.glyph, line_color=colour)
    return plot


def _summed(part: Part, levels: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
    rows = np.array(levels, np.int64).reshape(-1, 2)
    price = units(rows[:, 0], part.instrument.tick_size)
    summed = units(np.cumsum(rows[:, 1]), part.instrument.lot_size)
    order = np.argsort(price)
    return price[order], summed[order]


def _mark(plot: figure, middle: float, notes: Sequence[tuple[int, Note]]) -> None:
    for number, note in notes:
        at = note.ts / 1e6
        line = Span(location=at, dimension="height", line_dash="dashed", line_width=1)
        label = Label(
            x=at,
            y=4,
            y_units="screen",
            text=f" {number} ",
            text_align="left" if at < middle else "right",
            text_font_size="11px",
            text_font_style="bold",
        )
        paint(line, line_color="muted")
        paint(label, text_color="text")
        plot.add_layout(line)
        plot.add_layout(label)
