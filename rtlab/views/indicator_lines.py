"""The lines of one indicator in a figure of candles, of which the browser is sent only what is new."""

from collections.abc import Mapping
from typing import Any

from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from rtlab.views.candle import Candle
from rtlab.views.growing import Growing
from rtlab.views.indicators import Indicator, Values

DASHES = {"ema": "solid", "bollinger": "5 4", "vwap": "8 3 2 3"}
"""So that lines are not told apart by colour alone."""


class IndicatorLines:
    """An indicator as lines, computed and sent only while it is `shown`."""

    def __init__(self, indicator: Indicator, interval_ns: int) -> None:
        self.indicator, self.shown = indicator, False
        self.table: Growing[Values] = Growing(("x", *indicator.lines), self._columns)
        self.renderers: list[GlyphRenderer[Any]] = []
        self._middle_ms = interval_ns / 2e6

    @property
    def name(self) -> str:
        """As the indicator's."""
        return self.indicator.name

    def put(self, plot: figure) -> None:
        """Make the lines in a figure; they have nothing to show yet."""
        dash = DASHES[self.indicator.kind]
        self.renderers = [
            plot.line("x", line, source=self.table.source, line_width=1.5, line_dash=dash, visible=False)
            for line in self.indicator.lines
        ]

    def wear(self, colour: str) -> None:
        """Put on another colour."""
        for renderer in self.renderers:
            renderer.glyph.update(line_color=colour)

    def draw(self, candles: dict[int, Candle], *, whole: bool = False) -> None:
        """Bring the lines to what they are over `candles` (ascending by start); to nothing unless `shown`."""
        for renderer in self.renderers:
            renderer.visible = self.shown
        self.table.show(self.indicator.rows(candles) if self.shown else {}, whole=whole)

    def _columns(self, rows: Mapping[int, Values], newest: int) -> dict[str, list[Any]]:
        columns = zip(self.indicator.lines, zip(*rows.values(), strict=True), strict=True)
        x = [start / 1e6 + self._middle_ms for start in rows]
        return {"x": x, **{name: list(values) for name, values in columns}}

    def __repr__(self) -> str:
        return f"IndicatorLines({self.name}, {'shown' if self.shown else 'hidden'})"
