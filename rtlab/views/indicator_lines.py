"""The lines of one indicator in a figure of candles, of which the browser is sent only what is new."""

from collections.abc import Mapping
from typing import Any

from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from rtlab.views.candle import START, Table
from rtlab.views.growing import Growing
from rtlab.views.indicators import KINDS, Indicator

DASHES = {"ema": "solid", "sma": "2 2", "bollinger": "5 4", "vwap": "8 3 2 3", "rsi": "solid", "atr": "solid"}
"""So that lines over the candles are not told apart by colour alone."""
Row = tuple[float, ...]


class IndicatorLines:
    """An indicator as lines, computed and sent only while it is `shown`."""

    def __init__(self, indicator: Indicator) -> None:
        self.indicator, self.shown = indicator, False
        self.table: Growing[Row] = Growing(("x", *indicator.lines), self._columns)
        self.renderers: list[GlyphRenderer[Any]] = []
        self._middle_ms = 0.0

    @property
    def name(self) -> str:
        """As the indicator's."""
        return self.indicator.name

    @property
    def has_pane(self) -> bool:
        """Whether they are drawn below the candles, and not over them."""
        return KINDS[self.indicator.kind].pane

    def put(self, plot: figure) -> None:
        """Make the lines in a figure; they have nothing to show yet."""
        dash = DASHES[self.indicator.kind]
        self.renderers = [
            plot.line(
                *("x", line),
                source=self.table.source,
                name=self.name if line == self.indicator.lines[0] else f"{self.name} {line}",
                line_width=1.5,
                line_dash=dash,
                visible=False,
            )
            for line in self.indicator.lines
        ]

    def wear(self, colour: str) -> None:
        """Put on another colour."""
        for renderer in self.renderers:
            renderer.glyph.update(line_color=colour)

    def draw(self, bars: Table, seen: Table, interval_ns: int, *, whole: bool = False) -> None:
        """Bring the lines to what they are over `bars` (of an interval) where they are `seen`, or to nothing.

        The bars before those are what the indicator begins with.
        """
        for renderer in self.renderers:
            renderer.visible = self.shown
        rows: dict[int, Row] = {}
        if self.shown and len(seen):
            start, lines = self.indicator.values(bars).between(int(seen[0, START]), int(seen[-1, START]))
            columns = zip(*(line.tolist() for line in lines), strict=True)
            rows = dict(zip(start.tolist(), columns, strict=True))
        self._middle_ms = interval_ns / 2e6
        self.table.show(rows, whole=whole)

    def _columns(self, rows: Mapping[int, Row], newest: int) -> dict[str, list[Any]]:
        columns = zip(self.indicator.lines, zip(*rows.values(), strict=True), strict=True)
        x = [start / 1e6 + self._middle_ms for start in rows]
        return {"x": x, **{name: list(values) for name, values in columns}}

    def __repr__(self) -> str:
        return f"IndicatorLines({self.name}, {'shown' if self.shown else 'hidden'})"
