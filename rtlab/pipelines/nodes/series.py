"""Nodes over one column of any stream: averages, bands, indices, volatility.

Without `column` it is the one that the stream is about: the price of trades, the close of bars, the mid of quotes.
Of bars only the final ones count, each once.
"""

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import LocalError
from rtlab.pipelines.analytics import AtrFold, BollingerFold, EmaFold, RsiFold, VolatilityFold
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.node import Columns, FoldNode, floats, optional_ns
from rtlab.pipelines.stream import FrameStream, register

COLUMNS = {
    "trades": "price",
    "bars": "close",
    "tick_bars": "close",
    "volume_bars": "close",
    "notional_bars": "close",
    "vwap": "vwap",
    "twap": "twap",
    "spread": "mid",
    "midprice": "mid",
    "microprice": "microprice",
    "order_flow_imbalance": "imbalance",
    "book_pressure": "pressure",
    "basket": "value",
    "ema": "ema",
    "rsi": "rsi",
    "atr": "atr",
    "realized_volatility": "volatility",
    "in_order": "price",
    "asof": "price",
}
"""The column that a stream is about, by channel."""


def about(upstream: FrameStream, column: str | None) -> str:
    """Give `column`, or the one that the stream is about; LocalError where that is not known."""
    channel = getattr(upstream, "channel", None)
    found = column or COLUMNS.get(str(channel))
    if found is None:
        raise LocalError("it is not known which column is meant", expected="column=", got=channel)
    return found


def final_rows(frame: Frame) -> Frame:
    """Give the rows that will not change any more: all but open bars."""
    if "final" not in frame.columns:
        return frame
    cut = {name: column[frame["final"]] for name, column in frame.columns.items()}
    return Frame(frame.channel, frame.instrument, cut, frame.key)


def times_of(frame: Frame) -> NDArray[np.int64]:
    """Give the event time of each row: `ts`, or the start of bars. LocalError when there is neither."""
    for name in ("ts", "start"):
        if name in frame.columns:
            return frame[name]
    raise LocalError("a frame has no event time", expected="ts or start", got=list(frame.columns))


def when(frame: Frame, kept: NDArray[np.bool_] | slice) -> Columns:
    """Give the time (`ts`) and sequence of the rows that are kept."""
    found = {"ts": times_of(frame)[kept]}
    return found | {"seq": frame["seq"][kept]} if "seq" in frame.columns else found


@register
def ema(
    upstream: FrameStream, period: int, column: str | None = None, *, state: bytes | None = None
) -> "FoldNode[EmaFold]":
    """Give the exponential moving average over about `period` rows. Emits ts, seq, ema, from the period-th row on."""
    name = about(upstream, column)

    def columns(fold: EmaFold, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(floats(frame, name))
        return {**when(frame, rows.kept), "ema": rows.value}

    return FoldNode(upstream, "ema", (name,), EmaFold(period), columns, state=state, column=name)


@register
def rsi(
    upstream: FrameStream, period: int = 14, column: str | None = None, *, state: bytes | None = None
) -> "FoldNode[RsiFold]":
    """Give Wilder's relative strength index, 0 to 100. Emits ts, seq, rsi, from the period-th change on."""
    name = about(upstream, column)

    def columns(fold: RsiFold, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(floats(frame, name))
        return {**when(frame, rows.kept), "rsi": rows.value}

    return FoldNode(upstream, "rsi", (name,), RsiFold(period), columns, state=state, column=name)


@register
def bollinger(
    upstream: FrameStream,
    period: int = 20,
    width: float = 2.0,
    column: str | None = None,
    *,
    state: bytes | None = None,
) -> "FoldNode[BollingerFold]":
    """Give the mean of the last `period` rows and bands of `width` deviations. Emits ts, seq, middle, lower, upper."""
    name = about(upstream, column)

    def columns(fold: BollingerFold, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(floats(frame, name))
        reach = width * rows.deviation
        bands = {"middle": rows.mean, "lower": rows.mean - reach, "upper": rows.mean + reach}
        return {**when(frame, rows.kept), **bands}

    return FoldNode(
        upstream, "bollinger", (name,), BollingerFold(period), columns, state=state, column=name, width=width
    )


@register
def atr(upstream: FrameStream, period: int = 14, *, state: bytes | None = None) -> "FoldNode[AtrFold]":
    """Give Wilder's average true range of bars. Emits ts, atr, from the period-th final bar on."""

    def columns(fold: AtrFold, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(*(floats(frame, name) for name in ("high", "low", "close")))
        return {**when(frame, rows.kept), "atr": rows.value}

    return FoldNode(upstream, "atr", ("high", "low", "close"), AtrFold(period), columns, state=state)


@register
def realized_volatility(
    upstream: FrameStream,
    interval: str | int | None = None,
    column: str | None = None,
    *,
    state: bytes | None = None,
) -> "FoldNode[VolatilityFold]":
    """Give the root of the sum of squared log returns, since the beginning or the start of its window.

    Neither annualised nor corrected for the bounce between bid and ask: take bars or mids for that. Emits ts,
    seq, change (the row's own log return), volatility, and with windows `start`. Late rows make no row.
    """
    name = about(upstream, column)

    def columns(fold: VolatilityFold, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(times_of(frame), floats(frame, name))
        found = when(frame, rows.kept) | ({"start": rows.start} if fold.memory.interval_ns else {})
        return found | {"change": rows.change, "volatility": rows.volatility}

    fold = VolatilityFold(optional_ns(interval))
    return FoldNode(upstream, "realized_volatility", (name,), fold, columns, state=state, column=name)
