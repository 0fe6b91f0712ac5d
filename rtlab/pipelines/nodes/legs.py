"""Nodes over several streams: the as-of join, baskets and spreads, correlation.

Frames of the streams may come in any order: rows are put in the order of event time (see `analytics.align`), so
that what comes out depends on the rows alone.
"""

from collections.abc import Sequence

from rtlab.errors import LocalError
from rtlab.model import Instrument
from rtlab.pipelines.analytics import AsofFold, BasketFold, CorrelationFold
from rtlab.pipelines.analytics.joins import QUOTE, JoinedColumns
from rtlab.pipelines.frame import Frame, units
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.node import QUOTES, Columns, LegsNode, floats
from rtlab.pipelines.nodes.series import about, final_rows, times_of
from rtlab.pipelines.stream import FrameStream, register


@register
def asof(
    trades: FrameStream, quotes: FrameStream, *, lateness: str | int = 0, state: bytes | None = None
) -> "LegsNode[AsofFold]":
    """Give each trade with the newest quote of its time or before it, of the same instrument.

    Emits the columns of trades, those of the quote (empty sides before the first), and `since`, the quote's time.
    A trade waits until the quotes have passed it; how many may wait, and what is late, says `analytics.align`.
    """

    of: list[Instrument] = []

    def columns(fold: AsofFold, leg: int, frame: Frame) -> Columns:
        if not of:
            of.append(frame.instrument)
        if frame.instrument != of[0]:
            raise LocalError(
                "two instruments cannot be joined", expected=of[0].symbol, got=frame.instrument.symbol
            )
        if leg == QUOTE:
            joined = fold.fold_quotes(*(frame[name] for name in QUOTES))
        else:
            joined = fold.fold_trades(*(frame[name] for name in ("ts", "seq", "ticks", "lots", "side")))
        return _joined(frame, joined)

    fold = AsofFold(0 if lateness == 0 else interval_ns(lateness))
    needs = [QUOTES, ("ts", "seq", "ticks", "lots", "side")]
    return LegsNode([quotes, trades], "asof", needs, fold, columns, state=state)


def _joined(frame: Frame, rows: JoinedColumns) -> Columns:
    tick, lot = frame.instrument.tick_size, frame.instrument.lot_size
    return {
        "ts": rows.ts,
        "seq": rows.seq,
        "price": units(rows.ticks, tick),
        "qty": units(rows.lots, lot),
        "side": rows.side.astype("i1"),
        "ticks": rows.ticks,
        "lots": rows.lots,
        "since": rows.since,
        "bid": units(rows.bid, tick),
        "bid_qty": units(rows.bid_lots, lot),
        "ask": units(rows.ask, tick),
        "ask_qty": units(rows.ask_lots, lot),
        "bid_ticks": rows.bid,
        "bid_lots": rows.bid_lots,
        "ask_ticks": rows.ask,
        "ask_lots": rows.ask_lots,
    }


@register
def basket(
    upstream: FrameStream,
    others: Sequence[FrameStream],
    weights: Sequence[float] | None = None,
    column: str | None = None,
    *,
    lateness: str | int = 0,
    state: bytes | None = None,
) -> "LegsNode[BasketFold]":
    """Give the weighted sum of the last prices of this stream and `others`, at each price of any of them.

    Without weights it is this stream less the others: the spread between two instruments. Emits ts, value, once
    every one has had a price.
    """
    legs = (upstream, *others)
    names = [about(leg, column) for leg in legs]

    def columns(fold: BasketFold, leg: int, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(leg, times_of(frame), floats(frame, names[leg]))
        return {"ts": rows.ts, "value": rows.value}

    signs = [1.0, *(-1.0 for _ in others)] if weights is None else list(weights)
    fold = BasketFold(signs, 0 if lateness == 0 else interval_ns(lateness))
    return LegsNode(legs, "basket", [(name,) for name in names], fold, columns, state=state, about=names)


@register
def correlation(
    upstream: FrameStream,
    others: Sequence[FrameStream],
    interval: str | int,
    period: int = 60,
    column: str | None = None,
    *,
    lateness: str | int = 0,
    state: bytes | None = None,
) -> "LegsNode[CorrelationFold]":
    """Give the correlation of log returns between steps of `interval`, over the last `period` returns, of each pair.

    The streams are numbered, this one 0. Emits start (of the step that ended) and for each pair `pair_0_1`, ...
    """
    legs = (upstream, *others)
    names = [about(leg, column) for leg in legs]

    def columns(fold: CorrelationFold, leg: int, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(leg, times_of(frame), floats(frame, names[leg]))
        pairs = {
            f"pair_{left}_{right}": rows.correlation[:, n].copy()
            for n, (left, right) in enumerate(fold.pairs)
        }
        return {"start": rows.start, **pairs}

    late = 0 if lateness == 0 else interval_ns(lateness)
    fold = CorrelationFold(len(legs), interval_ns(interval), period, late)
    return LegsNode(legs, "correlation", [(name,) for name in names], fold, columns, state=state, about=names)
