"""Nodes over trades: bars by time and by activity, average prices, and who began each trade."""

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import (
    BarsFold,
    LeeReadyFold,
    ThresholdBarsFold,
    TickRuleFold,
    TwapFold,
    VwapFold,
)
from rtlab.pipelines.analytics.bars import BarColumns
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Frame, units
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.node import QUOTES, TRADES, Columns, FoldNode, optional_ns, places
from rtlab.pipelines.stream import FrameStream, register

FROM_TRADES = ("trades", "in_order", "asof")


@register
def bars(upstream: FrameStream, interval: str | int, *, state: bytes | None = None) -> "FoldNode[BarsFold]":
    """Fold trades into bars of `interval` (as `1s`; a bare number is ns, a ms or more), by event time.

    Emits the bars that changed or became final, the open one (`final` False) last: start (ns), open, high, low,
    close, volume, notional, trades, final; a table by start. An interval without trades has no bar. A trade
    older than the open bar's start changes nothing and is counted: a bar is final when a later one exists.
    """

    def columns(fold: BarsFold, frame: Frame) -> Columns:
        return _prices(frame, fold.fold(frame["ts"], frame["ticks"], frame["lots"]))

    fold = BarsFold(interval_ns(interval))
    return FoldNode(upstream, "bars", TRADES, fold, columns, key="start", channels=FROM_TRADES, state=state)


@register
def tick_bars(
    upstream: FrameStream, count: int, *, state: bytes | None = None
) -> "FoldNode[ThresholdBarsFold]":
    """Fold trades into bars of `count` trades. Emits number, start, end and what `bars` has; a table by number."""
    return _threshold_bars(upstream, "tick_bars", "count", count, state)


@register
def volume_bars(
    upstream: FrameStream, lots: int, *, state: bytes | None = None
) -> "FoldNode[ThresholdBarsFold]":
    """Fold trades into bars of at least `lots` traded. Emits what `tick_bars` does."""
    return _threshold_bars(upstream, "volume_bars", "volume", lots, state)


@register
def notional_bars(
    upstream: FrameStream, notional: int, *, state: bytes | None = None
) -> "FoldNode[ThresholdBarsFold]":
    """Fold trades into bars of at least `notional`, in ticks x lots. Emits what `tick_bars` does."""
    return _threshold_bars(upstream, "notional_bars", "notional", notional, state)


def _threshold_bars(
    upstream: FrameStream, name: str, by: str, size: int, state: bytes | None
) -> "FoldNode[ThresholdBarsFold]":
    def columns(fold: ThresholdBarsFold, frame: Frame) -> Columns:
        found = fold.fold(frame["ts"], frame["ticks"], frame["lots"])
        return {"number": found.number, "end": found.end, **_prices(frame, found.bars)}

    fold = ThresholdBarsFold(by, size)
    return FoldNode(upstream, name, TRADES, fold, columns, key="number", channels=FROM_TRADES, state=state)


def _prices(frame: Frame, rows: BarColumns) -> Columns:
    tick, lot = frame.instrument.tick_size, frame.instrument.lot_size
    return {
        "start": rows.start,
        "open": units(rows.open, tick),
        "high": units(rows.high, tick),
        "low": units(rows.low, tick),
        "close": units(rows.close, tick),
        "volume": units(rows.lots, lot),
        "notional": units(rows.notional, tick, lot),
        "trades": rows.trades,
        "final": rows.final,
    }


@register
def vwap(
    upstream: FrameStream, interval: str | int | None = None, *, state: bytes | None = None
) -> "FoldNode[VwapFold]":
    """Give the volume-weighted average price at each trade, since the beginning or the start of its window.

    With `interval`, windows are aligned to it by event time and each begins anew. Emits ts, seq, vwap, volume,
    notional (both since that start), and with windows `start`. A late trade and one of no quantity make no row.
    """

    def columns(fold: VwapFold, frame: Frame) -> Columns:
        rows = fold.fold(frame["ts"], frame["ticks"], frame["lots"])
        tick, lot = frame.instrument.tick_size, frame.instrument.lot_size
        return {
            **places(frame, rows.kept, rows.start if fold.interval_ns else None),
            "vwap": units(rows.vwap, tick),
            "volume": units(rows.lots, lot),
            "notional": units(rows.notional, tick, lot),
        }

    fold = VwapFold(optional_ns(interval))
    return FoldNode(upstream, "vwap", TRADES, fold, columns, channels=FROM_TRADES, state=state)


@register
def twap(
    upstream: FrameStream, interval: str | int | None = None, *, state: bytes | None = None
) -> "FoldNode[TwapFold]":
    """Give the time-weighted average price up to each trade, since the beginning or the start of its window.

    Emits ts, seq, twap, elapsed (ns that were averaged over), and with windows `start`.
    """

    def columns(fold: TwapFold, frame: Frame) -> Columns:
        rows = fold.fold(frame["ts"], frame["ticks"])
        return {
            **places(frame, rows.kept, rows.start if fold.memory.interval_ns else None),
            "twap": units(rows.twap, frame.instrument.tick_size),
            "elapsed": rows.elapsed,
        }

    fold = TwapFold(optional_ns(interval))
    return FoldNode(upstream, "twap", ("ts", "ticks"), fold, columns, channels=FROM_TRADES, state=state)


class _Aggressor(SavedFold[Memory]):
    KIND, FORM = "aggressor", Memory


@register
def trade_sign(
    upstream: FrameStream, rule: str = "aggressor", *, state: bytes | None = None
) -> "FoldNode[SavedFold[Memory]]":
    """Give +1 for each trade that a buyer began, -1 for a seller, 0 where that is not known.

    `rule` is aggressor (what the venue says), tick (the last change of price) or quote (Lee and Ready; of trades
    that were joined with quotes by `asof`). Emits ts, seq, sign, signed_qty.
    """
    rules = {"aggressor": _Aggressor, "tick": TickRuleFold, "quote": LeeReadyFold}
    needs = {
        "aggressor": ("lots", "side"),
        "tick": ("ticks", "lots"),
        "quote": ("ticks", "lots", *QUOTES[1:]),
    }
    if rule not in rules:
        raise ConfigError("trades are not signed by that", expected=" or ".join(rules), got=rule)

    def columns(fold: SavedFold[Memory], frame: Frame) -> Columns:
        if isinstance(fold, LeeReadyFold):
            sign = fold.fold_quoted(frame["ticks"], *(frame[name] for name in QUOTES[1:]))
        elif isinstance(fold, TickRuleFold):
            sign = fold.fold(frame["ticks"])
        else:
            sign = 1 - 2 * frame["side"].astype("i8")
        signed = units(sign * frame["lots"], frame.instrument.lot_size)
        return {**places(frame, slice(None)), "sign": sign, "signed_qty": signed}

    fold = _Aggressor(Memory()) if rule == "aggressor" else rules[rule]()
    return FoldNode(upstream, "trade_sign", needs[rule], fold, columns, channels=FROM_TRADES, state=state)
