"""Candles: open, high, low, close and volume of each interval; the newest is still open."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bokeh.models import (
    CategoricalColorMapper,
    ColumnDataSource,
    CustomJS,
    DatetimeTicker,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.plotting import figure
from bokeh.transform import transform
from panel.viewable import Viewable

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.pipelines import Frame, units
from rtlab.views.digits import Digits
from rtlab.views.host import in_notebook
from rtlab.views.live import OURS, LivePanel, Waiting, alter, chart
from rtlab.views.theme import Colours, dress

PERIOD_NS = 100_000_000
OPEN_ALPHA, FINAL_ALPHA = 0.25, 1.0
COLUMNS = ("x", "open", "high", "low", "close", "volume", "way", "alpha", "middle", "height")


class Candle(NamedTuple):
    """Prices and volume in the instrument's units."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Change(NamedTuple):
    """What the browser lacks: all of it, or changed rows by index and rows to add behind."""

    whole: bool
    changed: list[int]
    added: int


def difference(drawn: Mapping[int, Candle], wanted: Mapping[int, Candle]) -> Change:
    """Tell how to get from `drawn` to `wanted`, both ascending by start and of at most equal length.

    A candle that was the newest and is not any more has changed too: it is final now.
    """
    starts = list(drawn)
    kept = [start for start in wanted if drawn and start <= starts[-1]]
    if not kept or kept != starts[len(starts) - len(kept) :]:
        return Change(True, [], len(wanted))
    added = len(wanted) - len(kept)
    first = len(starts) - len(kept)
    last = len(starts) - 1
    changed = [
        first + i
        for i, start in enumerate(kept)
        if drawn[start] != wanted[start] or (added and first + i == last)
    ]
    return Change(False, changed, added)


class Candles(LivePanel):
    """The newest `keep` candles of `interval_ns`; the open one is drawn pale. Follows unless moved away."""

    def __init__(
        self, instrument: Instrument, interval_ns: int, *, keep: int = 300, theme: str = "light"
    ) -> None:
        if interval_ns < 1 or keep < 1:
            raise ConfigError(
                "candles need an interval and a bound above 0", got={"interval_ns": interval_ns, "keep": keep}
            )
        super().__init__(theme=theme)
        self.instrument, self.interval_ns, self.keep = instrument, interval_ns, keep
        self._wanted: dict[int, Candle] = {}
        self._drawn: dict[int, Candle] = {}
        self._source = ColumnDataSource({name: [] for name in COLUMNS})
        self._mapper = CategoricalColorMapper(factors=["down", "up"], palette=["#000000", "#000000"])
        self._figure = self._build()
        self._waiting = Waiting(self._figure, f"Waiting for a trade of {instrument.symbol} …")
        self._pane = chart(self._figure, min_height=240)
        self._wear(self.colours)

    @property
    def visual(self) -> Viewable:
        """The chart itself."""
        return self._pane

    def update(self, rows: Frame | Iterable[Sequence[int]]) -> None:
        """Take bars that are new or changed; older ones stay as they are.

        Either rows (start in ns, open, high, low, close in ticks, volume in lots, ...) in any order, or a frame
        of bars. What is older than the newest `keep` is forgotten.
        """
        news = self._of_frame(rows) if isinstance(rows, Frame) else self._of_rows(rows)
        merged = {**self._wanted, **news}
        self._wanted = {start: merged[start] for start in sorted(merged)[-self.keep :]}
        self._mark(PERIOD_NS)

    def _appeared(self) -> None:
        self._drawn = {}  # who appears may show what was drawn when it was last looked at: it gets the whole
        self._mark()

    def _of_rows(self, rows: Iterable[Sequence[int]]) -> dict[int, Candle]:
        table = np.array([row[:6] for row in rows], dtype=np.int64).reshape(-1, 6)
        prices = units(table[:, 1:5], self.instrument.tick_size).tolist()
        volumes = units(table[:, 5], self.instrument.lot_size).tolist()
        return {
            start: Candle._make([*row, volume])
            for start, row, volume in zip(table[:, 0].tolist(), prices, volumes, strict=True)
        }

    def _of_frame(self, frame: Frame) -> dict[int, Candle]:
        rows = zip(*(frame[name].tolist() for name in Candle._fields), strict=True)
        return dict(zip(frame["start"].tolist(), map(Candle._make, rows), strict=True))

    def _draw(self) -> None:
        wanted = self._wanted
        if not wanted:
            return
        # early in a notebook the browser may send an older table back, in place of what was added since
        drawn = self._drawn if len(self._source.data["x"]) == len(self._drawn) else {}
        change, newest = difference(drawn, wanted), next(reversed(wanted))
        if change.whole or in_notebook(
            self._pane
        ):  # a notebook may be told a thing twice: all of it does no harm
            self._source.data = {name: [] for name in COLUMNS}  # equal data would not be sent again
            self._source.data = self._columns(wanted, newest)
        else:
            starts = list(drawn)
            patch = self._columns({starts[i]: wanted[starts[i]] for i in change.changed}, newest)
            if change.changed:
                rows = {
                    n: list(zip(change.changed, column, strict=True))
                    for n, column in patch.items()
                    if n != "x"
                }
                self._source.patch(rows)
            if change.added:
                new = self._columns(dict(list(wanted.items())[-change.added :]), newest)
                self._source.stream(new, rollover=len(wanted))
        self._drawn = wanted
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
        width, source = self.interval_ns / 1e6 * 0.72, self._source
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
        plot.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)
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
            },
            code=Path(__file__).with_suffix(".js").read_text("utf-8"),
        )
        for kind in ("data", "streaming", "patching"):
            source.js_on_change(kind, follow)
        x.js_on_change("start", follow)
        x.js_on_change("end", follow)
        return plot

    def _wear(self, colours: Colours) -> None:
        alter(self._pane, lambda: self._dress(colours))

    def _dress(self, colours: Colours) -> None:
        dress(self._figure, colours, filled=self.filled)
        self._waiting.wear(colours)
        self._mapper.palette = [colours.ask, colours.bid]

    def __repr__(self) -> str:
        close = f", close={next(reversed(self._wanted.values())).close:g}" if self._wanted else ""
        seconds = f"{self.interval_ns / 1e9:g} s"
        return f"Candles({self.instrument.symbol}, {seconds}, candles={len(self._wanted)}{close})"
