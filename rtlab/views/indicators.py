"""Indicators over candles, computed by the folds of the pipelines: EMA, Bollinger bands, VWAP."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.pipelines.analytics import BollingerFold, EmaFold, VwapFold
from rtlab.pipelines.frame import Floats
from rtlab.views.candle import Candle

OFFERED = ("ema 20", "bollinger 20", "vwap")
BAND_DEVIATIONS = 2.0
DAY_NS = 86_400_000_000_000

Values = tuple[float, ...]
"""one for each line"""
Folded = tuple[NDArray[np.bool_] | slice, list[Floats]]
"""which candles have values, and those of each line"""


class Bars(NamedTuple):
    """Candles as columns; `typical` is high + low + close in ticks, `lots` the volume."""

    start: NDArray[np.int64]
    close: Floats
    typical: NDArray[np.int64]
    lots: NDArray[np.int64]


class Kind(NamedTuple):
    """A kind of indicator: what its lines are called, its usual period, its fold and how that folds candles."""

    lines: tuple[str, ...]
    period: int | None
    begin: Callable[[int], Any]
    fold: Callable[[Any, Bars, float], Folded]


def _ema(fold: EmaFold, bars: Bars, tick: float) -> Folded:
    rows = fold.fold(bars.close)
    return rows.kept, [rows.value]


def _bollinger(fold: BollingerFold, bars: Bars, tick: float) -> Folded:
    rows = fold.fold(bars.close)
    reach = BAND_DEVIATIONS * rows.deviation
    return rows.kept, [rows.mean, rows.mean - reach, rows.mean + reach]


def _vwap(fold: VwapFold, bars: Bars, tick: float) -> Folded:
    rows = fold.fold(bars.start, bars.typical, bars.lots)
    return rows.kept, [rows.vwap * tick / 3]


KINDS: Mapping[str, Kind] = {
    "ema": Kind(("average",), 20, EmaFold, _ema),
    "bollinger": Kind(("middle", "lower", "upper"), 20, BollingerFold, _bollinger),
    "vwap": Kind(("vwap",), None, lambda period: VwapFold(DAY_NS), _vwap),
}


class Indicator:
    """The lines of one indicator over candles: "ema 20", "bollinger 20" (two deviations) or "vwap".

    The VWAP is that of typical prices, (high + low + close) / 3, since the first candle given of a day (UTC).
    A candle is folded once it is final; the open one has the values that it would have if it ended now.
    ConfigError for any other name, and for a period that the fold refuses.
    """

    def __init__(self, name: str, instrument: Instrument) -> None:
        kind, _, period = name.strip().lower().partition(" ")
        if kind not in KINDS or (period and (KINDS[kind].period is None or not period.isdecimal())):
            raise ConfigError(
                "there is no such indicator", expected='"ema 20", "bollinger 20" or "vwap"', got=name
            )
        self.kind, self._tick, self._lot = kind, float(instrument.tick_size), float(instrument.lot_size)
        self._period = int(period) if period else KINDS[kind].period or 0
        self.name = f"{kind} {self._period}" if self._period else kind
        self.lines = KINDS[kind].lines
        self._seen: dict[int, Candle] = {}  # the final ones that were folded, and what came of them
        self._values: dict[int, Values] = {}
        self._last = 0
        self._begin()

    def rows(self, candles: Mapping[int, Candle]) -> dict[int, Values]:
        """Give the values of each of `candles` (ascending by start, the last one open) that has some."""
        if not candles:
            return {}
        *final, newest = candles
        oldest = next(iter(candles))
        self._seen = {start: candle for start, candle in self._seen.items() if start >= oldest}
        if self._seen != {start: candles[start] for start in final if start <= self._last}:
            self._begin()  # one that was final is another now, or one came between
        elif not self._seen:
            self._begin()  # what was folded is long gone
        news = {start: candles[start] for start in final if start > self._last}
        if news:
            self._values |= self._folded(self._fold, news)
            self._seen |= news
            self._last = final[-1]
        self._values = {start: values for start, values in self._values.items() if start >= oldest}
        copy = type(self._fold).restore(self._fold.state())
        return {**self._values, **self._folded(copy, {newest: candles[newest]})}

    def _begin(self) -> None:
        self._fold = KINDS[self.kind].begin(self._period)
        self._last = -(2**63)
        self._seen, self._values = {}, {}

    def _folded(self, fold: Any, candles: Mapping[int, Candle]) -> dict[int, Values]:
        table = np.array(list(candles.values()), dtype=np.float64)
        typical = np.rint(table[:, 1:4].sum(axis=1) / self._tick).astype(np.int64)
        lots = np.rint(table[:, 4] / self._lot).astype(np.int64)
        bars = Bars(np.array(list(candles), dtype=np.int64), table[:, 3].copy(), typical, lots)
        kept, lines = KINDS[self.kind].fold(fold, bars, self._tick)
        return dict(
            zip(bars.start[kept].tolist(), zip(*(line.tolist() for line in lines), strict=True), strict=True)
        )

    def __repr__(self) -> str:
        return f"Indicator({self.name!r})"


def indicators(
    names: Sequence[str], instrument: Instrument, offered: Sequence[str] = OFFERED
) -> dict[str, Indicator]:
    """Give the indicators of these names and those that are always offered, by the names that they have."""
    made = [Indicator(name, instrument) for name in (*names, *offered)]
    return {one.name: one for one in made}
