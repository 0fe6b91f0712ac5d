"""Candles: open, high, low, close and volume of each interval; the newest is still open. Indicators lie over them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import param
from bokeh.layouts import column
from bokeh.models import CategoricalColorMapper, ColumnDataSource, CustomJS
from panel.viewable import Child, Viewable

from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.tabs import Others
from rtlab.views.bars import Bars, interval_name
from rtlab.views.beat import Beat
from rtlab.views.candle import START, Candle, Table, in_units, of_frame, of_rows
from rtlab.views.candle_figure import Pane, arrange, join_crosshair, paint_holes, price_figure
from rtlab.views.candle_window import Look, cut, holes
from rtlab.views.digits import Digits
from rtlab.views.growing import Growing
from rtlab.views.host import in_notebook
from rtlab.views.indicator_lines import IndicatorLines
from rtlab.views.indicators import indicators as made
from rtlab.views.live import Face, LivePanel, Waiting, alter, chart, script
from rtlab.views.theme import Colours, dress, series

PERIOD_NS = 100_000_000
OPEN_ALPHA, FINAL_ALPHA = 0.25, 1.0
BODY = 0.72
"""Of an interval: the width of a candle's body."""
COLUMNS = ("x", "open", "high", "low", "close", "volume", "way", "alpha", "middle", "height", "width", "half")


class CandlesFace(Face):
    """The chart, and above it a switch for each indicator."""

    _esm = script("figures.js", "keep.js", "badge.js", "indicators.js")

    chart = Child()
    offered = param.List(doc="(name, colour) of each indicator")
    chosen = param.List(item_type=str, doc="those that are shown")
    told = param.String(doc="how long each candle is, where they were joined, and how many holes are seen")
    figure_id = param.String(doc="of the figure whose window is told")


class Candles(LivePanel):
    """The newest `keep` candles of `interval_ns`; the open one is drawn pale. Follows unless moved away.

    Zoomed out, candles that would be narrower than 3 pixels are joined to longer ones, exactly (see `Bars`), and the
    chart says so. Where there is no candle the time is marked by a pale strip.

    `indicators` are shown as lines: "ema 20", "sma 20", "bollinger 20", "vwap", and below the candles "rsi 14" and
    "atr 14", with any period; a reader may switch these and the usual ones on and off. They are of the candles that
    are seen. ConfigError for one that is not known. The open candle moves them.
    """

    def __init__(
        self,
        instrument: Instrument,
        interval_ns: int,
        *,
        keep: int = 20_000,
        indicators: Sequence[str] = (),
        theme: str = "light",
    ) -> None:
        super().__init__(theme=theme)
        self.instrument, self.interval_ns = instrument, interval_ns
        self.bars = Bars(interval_ns, keep=keep)
        self.refused = 0
        """Messages of a browser that made no sense."""
        self._look, self._scale, self._open = Look(), 0, -1
        self._others: Others[Candles] = Others()
        self._drawn: dict[int, Candle] = {}
        self._table = Growing(COLUMNS, self._columns)
        self._holes = ColumnDataSource({"left": [], "right": []})
        self._edge = ColumnDataSource({"x": [], "interval": []})
        self._lines = {one.name: IndicatorLines(one) for one in made(indicators, instrument).values()}
        self._mapper = CategoricalColorMapper(factors=["down", "up"], palette=["#000000", "#000000"])
        decimals = Digits(instrument.tick_size).decimals
        self._figure = price_figure(self._table.source, self._holes, self._mapper, decimals)
        self._panes = {
            name: Pane(lines.indicator, self._figure) for name, lines in self._lines.items() if lines.has_pane
        }
        for name, lines in self._lines.items():
            lines.put(self._panes[name].figure if name in self._panes else self._figure)
        below = [pane.figure for pane in self._panes.values()]
        self._crosshair = join_crosshair([self._figure, *below])
        self._follow()
        self._waiting = Waiting(self._figure, f"Waiting for a trade of {instrument.symbol} …")
        self._pane = chart(
            column(self._figure, *below, sizing_mode="stretch_both", spacing=0), min_height=200
        )
        self._face = CandlesFace(
            self,
            Path(__file__).with_name("indicators.css").read_text("utf-8"),
            chart=self._pane,
            figure_id=self._figure.id,
            chosen=[one.name for one in made(indicators, instrument, offered=()).values()],
            sizing_mode="stretch_both",
            min_height=240,
        )
        self._show_chosen()
        self._wear(self.colours)

    @property
    def indicators(self) -> tuple[str, ...]:
        """The names of the indicators that are shown."""
        return tuple(self._face.chosen)

    @property
    def visual(self) -> Face:
        """The chart, with the switches above it."""
        return self._face

    def __panel__(self) -> Viewable:
        self._look = Look()  # who is shown it anew begins with the newest
        return super().__panel__()

    def join(self, beat: Beat) -> None:
        """Be part of a page, as any panel; the chart is as high as what the switches leave."""
        self._pane.min_height = None
        super().join(beat)

    def another(self) -> "Candles":
        """Give a chart of the same candles for another tab: it is told what this one is, and moves by itself."""
        keep, chosen = self.bars.keep, self.indicators
        made = Candles(self.instrument, self.interval_ns, keep=keep, indicators=chosen, theme=self.theme)
        size = {name: getattr(self._face, name) for name in ("height", "sizing_mode")}
        made.visual.param.update(**size)
        self._others.add(made)  # first: a candle that comes meanwhile comes twice, and not never
        made._take(self.bars.rows().copy())
        return made

    def _for_a_tab(self) -> "Candles":
        return self.another()

    def update(self, rows: Frame | Iterable[Sequence[int]]) -> None:
        """Take bars that are new or changed; older ones stay as they are.

        Either rows (start in ns, open, high, low, close in ticks, volume in lots, ...) in any order, or a frame
        of bars. What is older than the newest `keep` is forgotten.
        """
        news = of_frame(rows) if isinstance(rows, Frame) else of_rows(rows)
        for one in (self, *self._others.all()):
            one._take(news)

    def _take(self, news: Table) -> None:
        self.bars.update(news)
        self._mark(PERIOD_NS)

    def _appeared(self) -> None:
        self._table.forget()
        for lines in self._lines.values():
            lines.table.forget()
        self._mark()

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        match message:
            case {"indicator": str(name), "shown": bool(shown)} if name in self._lines:
                rest = [one for one in self._face.chosen if one != name]
                self._face.chosen = [*rest, name] if shown else rest
                self._show_chosen()
                self._mark()
            case {"look": look}:
                self._move(look)

    def _move(self, told: object) -> None:
        try:
            look = msgspec.convert(told, Look)
        except msgspec.ValidationError:
            self.refused += 1
            return
        if look.makes_sense():
            self._look = look
            self._mark()
        else:
            self.refused += 1

    def _show_chosen(self) -> None:
        for name, lines in self._lines.items():
            lines.shown = name in self._face.chosen

    def _draw(self) -> None:
        scale, table, seen = cut(self.bars, self._look)
        if not len(table):
            return
        # a notebook may be told a thing twice: all of it does no harm
        whole = in_notebook(self._pane) or scale != self._scale
        self._scale, self._open = scale, int(table[-1, START])
        interval = self.bars.intervals[scale]
        edge: dict[str, Any] = {"x": [(self._open + interval / 2) / 1e6], "interval": [interval / 1e6]}
        if self._edge.data != edge:
            self._edge.data = edge
        self._drawn = in_units(seen, self.instrument)
        self._table.show(self._drawn, whole=whole)
        for lines in self._lines.values():
            lines.draw(table, seen, interval, whole=whole)
        self._mark_holes(seen, interval)
        self._face._send_msg({"held": len(table), "merged": self.merged})
        for name, pane in self._panes.items():
            if pane.figure.visible != self._lines[name].shown:
                pane.figure.visible = self._lines[name].shown
        self._waiting.over()
        arrange(self._figure, [pane.figure for pane in self._panes.values()])
        if not self._pane._models:
            self._fit()

    def _mark_holes(self, seen: Table, interval: int) -> None:
        left, right = holes(seen, interval)
        if self._holes.data["left"] != left or self._holes.data["right"] != right:
            self._holes.data = {"left": left, "right": right}
        told = [f"{interval_name(interval)} each"] if self._scale else []
        told += [f"{len(left):,} gap{'s' * (len(left) > 1)} without a trade"] if left else []
        if self._face.told != (now := " · ".join(told)):
            self._face.told = now

    def _fit(self) -> None:
        # for the first picture, and the only one where no browser runs our script
        shown = list(self._drawn.items())[-60:]
        low, high = min(candle.low for _, candle in shown), max(candle.high for _, candle in shown)
        room = (high - low or abs(high) * 1e-4 or 1.0) * 0.06
        self._figure.x_range.update(
            start=shown[0][0] / 1e6, end=(shown[-1][0] + 2.5 * self.interval_ns) / 1e6
        )
        self._figure.y_range.update(start=low - (high - low) * 0.28 - room, end=high + room)
        most = max(candle.volume for _, candle in shown)
        self._figure.extra_y_ranges["volume"].update(start=0, end=5 * most or 1)
        for name, pane in self._panes.items():
            values = [
                value for line in self._lines[name].indicator.lines for value in self._values(name, line)
            ]
            if not pane.fixed and values:
                pane.y.update(end=1.1 * max(values) or 1.0)

    def _values(self, name: str, line: str) -> list[float]:
        return list(self._lines[name].table.source.data[line])[-60:]

    def _columns(self, candles: Mapping[int, Candle], newest: int) -> dict[str, Any]:
        # a body without height is not drawn, not even its line
        least = float(self.instrument.tick_size) * 1e-3
        interval = self.bars.intervals[self._scale]
        rows = [
            (
                (start + interval / 2) / 1e6,
                *candle,
                "up" if candle.close >= candle.open else "down",
                OPEN_ALPHA if start == self._open else FINAL_ALPHA,
                (candle.open + candle.close) / 2,
                abs(candle.close - candle.open) or least,
                interval / 1e6 * BODY,
                candle.volume / 2,
            )
            for start, candle in candles.items()
        ]
        return {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}

    def _follow(self) -> None:
        """Have the browser move the window and fit the heights."""
        panes, shown = self._panes, self._lines
        over = [line for name, lines in shown.items() if name not in panes for line in lines.renderers]
        follow = CustomJS(
            args={
                "source": self._table.source,
                "edge": self._edge,
                "plot": self._figure,
                "x": self._figure.x_range,
                "y": self._figure.y_range,
                "volume": self._figure.extra_y_ranges["volume"],
                "lines": over,
                "panes": [[pane.y, *shown[name].renderers] for name, pane in panes.items() if not pane.fixed],
            },
            code=Path(__file__).with_suffix(".js").read_text("utf-8"),
        )
        for one in (self._table.source, self._edge, *(lines.table.source for lines in shown.values())):
            for kind in ("data", "streaming", "patching"):
                one.js_on_change(kind, follow)
        for end in ("start", "end"):
            self._figure.x_range.js_on_change(end, follow)
        # how many times fit below: no candle need come for that
        self._figure.js_on_change("inner_width", follow)

    def _wear(self, colours: Colours) -> None:
        worn = [colour for colour in series(colours) if colour not in (colours.ask, colours.bid)]
        offered = dict(zip(self._lines, cycle(worn), strict=False))
        self._face.param.update(theme=colours.name, offered=[list(one) for one in offered.items()])
        alter(self._pane, lambda: self._dress(colours, offered))

    def _dress(self, colours: Colours, offered: Mapping[str, str]) -> None:
        dress(self._figure, colours, filled=self.filled)
        for pane in self._panes.values():
            pane.wear(colours, filled=self.filled)
        self._crosshair.line_color = colours.muted
        paint_holes(self._figure, colours)
        self._waiting.wear(colours)
        self._mapper.palette = [colours.ask, colours.bid]
        for name, lines in self._lines.items():
            lines.wear(offered[name])

    def __repr__(self) -> str:
        newest = in_units(self.bars.rows()[-1:], self.instrument).values()
        close = "".join(f", close={candle.close:g}" for candle in newest)
        seconds = f"{self.interval_ns / 1e9:g} s"
        return f"Candles({self.instrument.symbol}, {seconds}, candles={len(self.bars)}{close})"
