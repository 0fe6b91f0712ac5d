"""The figure of a `LayeredPlot`: its lines, two axes, and no tool that would repaint it."""

from collections.abc import Sequence
from typing import Any, Literal, cast

from bokeh.models import (
    BasicTickFormatter,
    ColumnDataSource,
    DatetimeTickFormatter,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.annotations import Title
from bokeh.models.glyphs import Line as LineGlyph
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from rtlab.views.theme import Colours, dress, series
from rtlab.views.viewport import Columns

AXIS_PX = 72
"""The room to the right of the frame, for the labels of the y axis."""

MARK_PX = 3.5
TIMES: dict[str, Any] = {  # of a DatetimeTickFormatter
    "microseconds": "%H:%M:%S.%f",
    "milliseconds": "%H:%M:%S.%3N",
    "seconds": "%H:%M:%S",
    "minsec": "%H:%M:%S",
    "minutes": "%H:%M",
    "hourmin": "%H:%M",
    "hours": "%H:%M",
    "days": "%d %b",
    "months": "%b %Y",
    "years": "%Y",
}


def dense_figure(
    first: Columns,
    output_backend: Literal["webgl", "canvas"],
    colours: Colours,
    *,
    title: str,
    y_label: str,
    time_axis: bool,
    names: Sequence[str] = ("y",),
    kind: Literal["line", "scatter"] = "line",
    decimals: int | None = None,
) -> figure:
    """Build the figure around the columns that it shows at first: a line, or marks, for each of `names`.

    `output_backend` cannot be changed later. `decimals` are those of the y axis; None: as many as its ticks need.
    """
    plot = figure(
        output_backend=output_backend,
        x_axis_type="datetime" if time_axis else "linear",
        y_axis_location="right",
        x_range=Range1d(start=first.x0, end=first.x1),
        y_range=Range1d(start=first.y0, end=first.y1),
        tools="",
        toolbar_location=None,
        sizing_mode="stretch_both",
        min_border_right=AXIS_PX,
        min_border_left=8,
        min_border_top=30,
        min_border_bottom=30,
    )
    plot.title = Title(text=title, text_font_style="bold")
    plot.yaxis.axis_label = y_label or None
    plain = BasicTickFormatter(use_scientific=False)
    plot.yaxis.formatter = plain if decimals is None else places(decimals)
    plot.xaxis.formatter = DatetimeTickFormatter(**TIMES) if time_axis else plain
    for i, ((x, y), _) in enumerate(zip(first.lines, names, strict=True)):
        source = ColumnDataSource({"x": x, "y": y})
        name = f"dense {i}" if i else "dense"
        if kind == "line":
            plot.line("x", "y", source=source, line_join="round", name=name)
        else:
            plot.scatter("x", "y", source=source, size=MARK_PX, line_color=None, fill_alpha=0.7, name=name)
    paint(plot, colours)
    return plot


def places(decimals: int) -> NumeralTickFormatter:
    """Write an axis with so many decimals, and the thousands apart."""
    return NumeralTickFormatter(format="0,0." + "0" * decimals if decimals else "0,0")


def paint(plot: figure, colours: Colours) -> None:
    """Give the figure its colours."""
    dress(plot, colours)
    palette = series(colours)
    lines = [renderer for renderer in plot.renderers if isinstance(renderer, GlyphRenderer)]
    for i, renderer in enumerate(lines):
        glyph, colour = cast(Any, renderer).glyph, palette[i % len(palette)]
        glyph.update(**{"line_color" if isinstance(glyph, LineGlyph) else "fill_color": colour})
