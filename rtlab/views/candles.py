"""Candles: open, high, low, close and volume of each interval; the newest is still open. Indicators lie over them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import param
from bokeh.models import (
    CategoricalColorMapper,
    CustomJS,
    DatetimeTicker,
    DatetimeTickFormatter,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.plotting import figure
from bokeh.transform import transform
from panel.viewable import Child

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.beat import Beat
from rtlab.views.candle import Candle, of_frame, of_rows
from rtlab.views.dense import TIMES
from rtlab.views.digits import Digits
from rtlab.views.growing import Growing
from rtlab.views.host import in_notebook
from rtlab.views.indicator_lines import IndicatorLines
from rtlab.views.indicators import indicators as made
from rtlab.views.live import OURS, Face, LivePanel, Waiting, alter, chart
from rtlab.views.theme import Colours, dress, series

PERIOD_NS = 100_000_000
OPEN_ALPHA, FINAL_ALPHA = 0.25, 1.0
COLUMNS = ("x", "open", "high", "low", "close", "volume", "way", "alpha", "middle", "height")


class CandlesFace(Face):
    """The chart, and above it a switch for each indicator."""

    _esm = Path(__file__).with_name("indicators.js")

    chart = Child()
    offered = param.List(doc="(name, colour) of each indicator")
    chosen = param.List(item_type=str, doc="those that are shown")


class Candles(LivePanel):
    """The newest `keep` candles of `interval_ns`; the open one is drawn pale. Follows unless moved away.

    `indicators` are shown as lines: "ema 20", "bollinger 20", "vwap", with any period; a reader may switch these and
    the usual ones on and off. ConfigError for one that is not known. The open candle moves them.
    """

    def __init__(
        self,
        instrument: Instrument,
        interval_ns: int,
        *,
        keep: int = 300,
        indicators: Sequence[str] = (),
        theme: str = "light",
    ) -> None:
        if interval_ns < 1 or keep < 1:
            raise ConfigError(
                "candles need an interval and a bound above 0", got={"interval_ns": interval_ns, "keep": keep}
            )
        super().__init__(theme=theme)
        self.instrument, self.interval_ns, self.keep = instrument, interval_ns, keep
        self._wanted: dict[int, Candle] = {}
        self._table = Growing(COLUMNS, self._columns)
        self._lines = {
            one.name: IndicatorLines(one, interval_ns) for one in made(indicators, instrument).values()
        }
        self._mapper = CategoricalColorMapper(factors=["down", "up"], palette=["#000000", "#000000"])
        self._figure = self._build()
        self._waiting = Waiting(self._figure, f"Waiting for a trade of {instrument.symbol} …")
        self._pane = chart(self._figure, min_height=200)
        self._face = CandlesFace(
            self,
            Path(__file__).with_name("indicators.css").read_text("utf-8"),
            chart=self._pane,
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

    def join(self, beat: Beat) -> None:
        """Be part of a page, as any panel; the chart is as high as what the switches leave."""
        self._pane.min_height = None
        super().join(beat)

    def update(self, rows: Frame | Iterable[Sequence[int]]) -> None:
        """Take bars that are new or changed; older ones stay as they are.

        Either rows (start in ns, open, high, low, close in ticks, volume in lots, ...) in any order, or a frame
        of bars. What is older than the newest `keep` is forgotten.
        """
        news = of_frame(rows) if isinstance(rows, Frame) else of_rows(rows, self.instrument)
        merged = {**self._wanted, **news}
        self._wanted = {start: merged[start] for start in sorted(merged)[-self.keep :]}
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

    def _show_chosen(self) -> None:
        for name, lines in self._lines.items():
            lines.shown = name in self._face.chosen

    def _draw(self) -> None:
        wanted = self._wanted
        if not wanted:
            return
        whole = in_notebook(self._pane)  # a notebook may be told a thing twice: all of it does no harm
        self._table.show(wanted, whole=whole)
        for lines in self._lines.values():
            lines.draw(wanted, whole=whole)
        self._waiting.over()
        if not self._pane._models:
            self._fit()

    def _fit(self) -> None:
        # for the first picture, and the only one where no browser runs our script
        shown = list(self._wanted.items())[-60:]
        low, high = min(candle.low for _, candle in shown), max(candle.high for _, candle in shown)
        room = (high - low or abs(high) * 1e-4 or 1.0) * 0.06
        self._figure.x_range.update(
            start=shown[0][0] / 1e6, end=(shown[-1][0] + 2.5 * self.interval_ns) / 1e6
        )
        self._figure.y_range.update(start=low - (high - low) * 0.28 - room, end=high + room)
        most = max(candle.volume for _, candle in shown)
        self._figure.extra_y_ranges["volume"].update(start=0, end=5 * most or 1)

    def _columns(self, candles: Mapping[int, Candle], newest: int) -> dict[str, Any]:
        least = (
            float(self.instrument.tick_size) * 1e-3
        )  # a body without height is not drawn, not even its line
        rows = [
            (
                (start + self.interval_ns / 2) / 1e6,
                *candle,
                "up" if candle.close >= candle.open else "down",
                OPEN_ALPHA if start == newest else FINAL_ALPHA,
                (candle.open + candle.close) / 2,
                abs(candle.close - candle.open) or least,
            )
            for start, candle in candles.items()
        ]
        return {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}

    def _build(self) -> figure:
        x, y, volume = Range1d(start=0, end=1), Range1d(start=0, end=1), Range1d(start=0, end=1)
        plot = figure(
            name="candles",
            tags=[OURS],
            x_range=x,
            y_range=y,
            x_axis_type="datetime",
            y_axis_location="right",
            tools="xpan,xwheel_zoom",
            active_scroll="xwheel_zoom",
            toolbar_location=None,
            min_border=4,
            sizing_mode="stretch_both",
        )
        plot.extra_y_ranges = {"volume": volume}
        colour = transform("way", self._mapper)
        width, source = self.interval_ns / 1e6 * 0.72, self._table.source
        plot.vbar(
            *("x", width, "volume", 0),
            source=source,
            y_range_name="volume",
            fill_color=colour,
            fill_alpha=0.25,
            line_color=None,
        )
        plot.segment("x", "high", "x", "low", source=source, line_color=colour)
        # not vbar with a line: BokehJS moves those beside the frame to its edge, and their lines can be seen
        plot.rect(
            *("x", "middle", width, "height"),
            source=source,
            fill_color=colour,
            fill_alpha="alpha",
            line_color=colour,
        )
        for lines in self._lines.values():
            lines.put(plot)
        plot.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)
        plot.xaxis.formatter = DatetimeTickFormatter(**TIMES)
        decimals = Digits(self.instrument.tick_size).decimals
        plot.yaxis.formatter = NumeralTickFormatter(format="0,0." + "0" * decimals if decimals else "0,0")
        follow = CustomJS(
            args={
                "source": source,
                "plot": plot,
                "x": x,
                "y": y,
                "volume": volume,
                "interval": self.interval_ns / 1e6,
                "lines": [renderer for lines in self._lines.values() for renderer in lines.renderers],
            },
            code=Path(__file__).with_suffix(".js").read_text("utf-8"),
        )
        for one in (source, *(lines.table.source for lines in self._lines.values())):
            for kind in ("data", "streaming", "patching"):
                one.js_on_change(kind, follow)
        x.js_on_change("start", follow)
        x.js_on_change("end", follow)
        return plot

    def _wear(self, colours: Colours) -> None:
        worn = [colour for colour in series(colours) if colour not in (colours.ask, colours.bid)]
        offered = dict(zip(self._lines, cycle(worn), strict=False))
        self._face.param.update(theme=colours.name, offered=[list(one) for one in offered.items()])
        alter(self._pane, lambda: self._dress(colours, offered))

    def _dress(self, colours: Colours, offered: Mapping[str, str]) -> None:
        dress(self._figure, colours, filled=self.filled)
        self._waiting.wear(colours)
        self._mapper.palette = [colours.ask, colours.bid]
        for name, lines in self._lines.items():
            lines.wear(offered[name])

    def __repr__(self) -> str:
        close = f", close={next(reversed(self._wanted.values())).close:g}" if self._wanted else ""
        seconds = f"{self.interval_ns / 1e9:g} s"
        return f"Candles({self.instrument.symbol}, {seconds}, candles={len(self._wanted)}{close})"
