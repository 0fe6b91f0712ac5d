"""Nodes over quotes: what the best prices tell."""

from rtlab.pipelines.analytics import ImbalanceFold, QuoteFold
from rtlab.pipelines.frame import Frame, units
from rtlab.pipelines.node import QUOTES, Columns, FoldNode, optional_ns, places
from rtlab.pipelines.stream import FrameStream, register

FROM_QUOTES = ("ticker", "book", "in_order", "asof")


@register
def order_flow_imbalance(
    upstream: FrameStream, interval: str | int | None = None, *, state: bytes | None = None
) -> "FoldNode[ImbalanceFold]":
    """Give the order flow imbalance (Cont, Kukanov and Stoikov, 2014) at each quote, in units of quantity.

    Summed since the beginning or, with `interval`, since the start of its window. Emits ts, seq, change (the
    quote's own share), imbalance (the sum), and with windows `start`. A late quote makes no row.
    """

    def columns(fold: ImbalanceFold, frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES))
        lot = frame.instrument.lot_size
        return {
            **places(frame, rows.kept, rows.start if fold.interval_ns else None),
            "change": units(rows.change, lot),
            "imbalance": units(rows.imbalance, lot),
        }

    fold = ImbalanceFold(optional_ns(interval))
    return FoldNode(
        upstream, "order_flow_imbalance", QUOTES, fold, columns, channels=FROM_QUOTES, state=state
    )


@register
def spread(upstream: FrameStream, *, state: bytes | None = None) -> "FoldNode[QuoteFold]":
    """Give the spread of each quote that has both sides. Emits ts, seq, spread, ticks (the spread's), mid."""

    def columns(fold: QuoteFold, frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES[1:]))
        tick = frame.instrument.tick_size
        return {
            **places(frame, rows.kept),
            "spread": units(rows.spread, tick),
            "ticks": rows.spread,
            "mid": units(rows.mid, tick),
        }

    return FoldNode(upstream, "spread", QUOTES, QuoteFold(), columns, channels=FROM_QUOTES, state=state)


@register
def midprice(upstream: FrameStream, *, state: bytes | None = None) -> "FoldNode[QuoteFold]":
    """Give the middle between bid and ask of each quote with both sides. Emits ts, seq, mid."""

    def columns(fold: QuoteFold, frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES[1:]))
        return {**places(frame, rows.kept), "mid": units(rows.mid, frame.instrument.tick_size)}

    return FoldNode(upstream, "midprice", QUOTES, QuoteFold(), columns, channels=FROM_QUOTES, state=state)


@register
def microprice(upstream: FrameStream, *, state: bytes | None = None) -> "FoldNode[QuoteFold]":
    """Give the mid weighted by the opposite sizes (Gatheral and Oomen, 2010) of each quote with both sides.

    Emits ts, seq, microprice, mid.
    """

    def columns(fold: QuoteFold, frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES[1:]))
        tick = frame.instrument.tick_size
        return {
            **places(frame, rows.kept),
            "microprice": units(rows.microprice, tick),
            "mid": units(rows.mid, tick),
        }

    return FoldNode(upstream, "microprice", QUOTES, QuoteFold(), columns, channels=FROM_QUOTES, state=state)
