"""Indicators over candles, computed by the folds of the pipelines: averages, Bollinger bands, VWAP, RSI, ATR."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.pipelines import units
from rtlab.pipelines.analytics import AtrFold, BollingerFold, EmaFold, RsiFold, VwapFold
from rtlab.pipelines.frame import Floats
from rtlab.views.candle import CLOSE, HIGH, LOW, START, VOLUME, Table

OFFERED = ("ema 20", "bollinger 20", "vwap", "rsi 14", "atr 14")
BAND_DEVIATIONS = 2.0
DAY_NS = 86_400_000_000_000

Folded = tuple[NDArray[np.bool_] | slice, list[Floats]]
"""which candles have values, and those of each line"""


class Columns(NamedTuple):
    """Candles as columns, prices in units; `typical` is high + low + close in ticks, `lots` the volume."""

    start: NDArray[np.int64]
    high: Floats
    low: Floats
    close: Floats
    typical: NDArray[np.int64]
    lots: NDArray[np.int64]


class Kind(NamedTuple):
    """A kind of indicator: what its lines are called, its usual period, its fold and how that folds candles.

    What is no price has a pane of its own below the candles: from `least` to `most`, with a line at each of `marks`.
    """

    lines: tuple[str, ...]
    period: int | None
    begin: Callable[[int], Any]
    fold: Callable[[Any, Columns, float], Folded]
    pane: bool = False
    least: float | None = None
    most: float | None = None
    marks: tuple[float, ...] = ()


def _ema(fold: EmaFold, bars: Columns, tick: float) -> Folded:
    rows = fold.fold(bars.close)
    return rows.kept, [rows.value]


def _sma(fold: BollingerFold, bars: Columns, tick: float) -> Folded:
    rows = fold.fold(bars.close)
    return rows.kept, [rows.mean]


def _bollinger(fold: BollingerFold, bars: Columns, tick: float) -> Folded:
    rows = fold.fold(bars.close)
    reach = BAND_DEVIATIONS * rows.deviation
    return rows.kept, [rows.mean, rows.mean - reach, rows.mean + reach]


def _vwap(fold: VwapFold, bars: Columns, tick: float) -> Folded:
    rows = fold.fold(bars.start, bars.typical, bars.lots)
    return rows.kept, [rows.vwap * tick / 3]


def _rsi(fold: RsiFold, bars: Columns, tick: float) -> Folded:
    rows = fold.fold(bars.close)
    return rows.kept, [rows.value]


def _atr(fold: AtrFold, bars: Columns, tick: float) -> Folded:
    rows = fold.fold(bars.high, bars.low, bars.close)
    return rows.kept, [rows.value]


KINDS: Mapping[str, Kind] = {
    "ema": Kind(("average",), 20, EmaFold, _ema),
    "sma": Kind(("mean",), 20, BollingerFold, _sma),
    "bollinger": Kind(("middle", "lower", "upper"), 20, BollingerFold, _bollinger),
    "vwap": Kind(("vwap",), None, lambda period: VwapFold(DAY_NS), _vwap),
    "rsi": Kind(("rsi",), 14, RsiFold, _rsi, pane=True, least=0.0, most=100.0, marks=(30.0, 70.0)),
    "atr": Kind(("atr",), 14, AtrFold, _atr, pane=True, least=0.0),
}


class Values(NamedTuple):
    """The values of an indicator: `start` (ns) of each candle that has some, and a column for each line."""

    start: NDArray[np.int64]
    lines: list[Floats]

    def between(self, first: int, last: int) -> "Values":
        """Give those of the candles that begin at `first` or later, and at `last` or before."""
        start = int(np.searchsorted(self.start, first))
        end = int(np.searchsorted(self.start, last, side="right"))
        return Values(self.start[start:end], [line[start:end] for line in self.lines])

    def joined(self, more: "Values") -> "Values":
        """Give these and those of later candles."""
        lines = [np.concatenate(pair) for pair in zip(self.lines, more.lines, strict=True)]
        return Values(np.concatenate([self.start, more.start]), lines)


class Indicator:
    """The lines of one indicator over candles: "ema 20", "sma 20", "bollinger 20" (two deviations), "vwap", "rsi 14"
    or "atr 14", with any period.

    The VWAP is that of typical prices, (high + low + close) / 3, since the first candle given of a day (UTC). RSI
    and ATR are Wilder's: their smoothing begins with the mean of the first `period` changes, and ranges.
    A candle is folded once it is final; the open one has the values that it would have if it ended now.
    ConfigError for any other name, and for a period that the fold refuses.
    """

    def __init__(self, name: str, instrument: Instrument) -> None:
        kind, _, period = name.strip().lower().partition(" ")
        if kind not in KINDS or (period and (KINDS[kind].period is None or not period.isdecimal())):
            raise ConfigError(
                "there is no such indicator",
                expected='"ema 20", "sma 20", "bollinger 20", "vwap", "rsi 14" or "atr 14"',
                got=name,
            )
        self.kind, self._tick = kind, instrument.tick_size
        self._period = int(period) if period else KINDS[kind].period or 0
        self.name = f"{kind} {self._period}" if self._period else kind
        self.lines = KINDS[kind].lines
        self._seen: Table  # the final ones that were folded, and what came of them
        self._values: Values
        self._begin()

    def values(self, table: Table) -> Values:
        """Give the values over all of `table`: candles that ascend by start, the last one open."""
        if not len(table):
            return Values(table[:, START], [np.empty(0)] * len(self.lines))
        oldest, final = int(table[0, START]), table[:-1]
        self._seen = self._seen[np.searchsorted(self._seen[:, START], oldest) :]
        if not (0 < len(self._seen) <= len(final) and np.array_equal(self._seen, final[: len(self._seen)])):
            self._begin()  # one that was final is another now, or one came between, or all that was folded is gone
        news = final[len(self._seen) :]
        if len(news):
            self._values = self._values.joined(self._folded(self._fold, news))
            self._seen = final.copy()
        self._values = self._values.between(oldest, int(table[-1, START]))
        copy = type(self._fold).restore(self._fold.state())
        return self._values.joined(self._folded(copy, table[-1:]))

    def _begin(self) -> None:
        self._fold = KINDS[self.kind].begin(self._period)
        self._seen = np.empty((0, 6), np.int64)
        self._values = Values(self._seen[:, START], [np.empty(0)] * len(self.lines))

    def _folded(self, fold: Any, table: Table) -> Values:
        high, low, close = (units(table[:, at], self._tick) for at in (HIGH, LOW, CLOSE))
        typical = table[:, HIGH] + table[:, LOW] + table[:, CLOSE]
        bars = Columns(table[:, START].copy(), high, low, close, typical, table[:, VOLUME].copy())
        kept, lines = KINDS[self.kind].fold(fold, bars, float(self._tick))
        return Values(bars.start[kept], lines)

    def __repr__(self) -> str:
        return f"Indicator({self.name!r})"


def indicators(
    names: Sequence[str], instrument: Instrument, offered: Sequence[str] = OFFERED
) -> dict[str, Indicator]:
    """Give the indicators of these names and those that are always offered, by the names that they have."""
    made = [Indicator(name, instrument) for name in (*names, *offered)]
    return {one.name: one for one in made}
