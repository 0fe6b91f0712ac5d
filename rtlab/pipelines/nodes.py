"""The analytics as nodes: frames in, frames out, registered on every stream under the names of the field.

Each is a fold (see `analytics`) in a `FoldNode`. A node begins anew, or goes on exactly from the `state` that
the same node gave before.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError, LocalError
from rtlab.pipelines.analytics import BarsFold, ImbalanceFold, QuoteFold, VwapFold
from rtlab.pipelines.frame import Column, Frame, units
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.stream import FrameStream, Metadata, Pending, register

Columns = dict[str, Column]

TRADES = ("ts", "ticks", "lots")
QUOTES = ("ts", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
CHANNELS = {TRADES: ("trades",), QUOTES: ("ticker", "book")}


class Fold(Protocol):
    """What a node asks of a fold."""

    @property
    def left_out(self) -> int:
        """Rows that made no row."""

    def state(self) -> bytes:
        """Everything that is needed to go on from here."""


class FoldNode(FrameStream):
    """A node called `name` around a fold: `columns` takes the columns `needs` of a frame to those it emits.

    A frame without rows, or of which nothing is left, emits nothing. Raises LocalError for a stream or a frame
    that cannot have these columns.
    """

    def __init__(
        self,
        upstream: FrameStream,
        name: str,
        needs: tuple[str, ...],
        fold: Fold,
        columns: Callable[[Frame], Columns],
        key: str | None = None,
    ) -> None:
        channel = getattr(upstream, "channel", None)
        if channel is not None and channel not in CHANNELS[needs]:
            raise LocalError(
                f"{name} cannot fold this stream", expected=" or ".join(CHANNELS[needs]), got=channel
            )
        self.channel, self.fold = name, fold
        self._needs, self._columns, self._key = needs, columns, key
        super().__init__(upstream, stream_name=name)  # the last step: from here on frames come

    @property
    def left_out(self) -> int:
        """Rows that made no row: they came too late for any window, or told nothing (see the fold)."""
        return self.fold.left_out

    def state(self) -> bytes:
        """Give what the fold remembers, for `state=` of a new node."""
        return self.fold.state()

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Fold a frame and emit what comes of it."""
        if not isinstance(x, Frame) or not x.columns.keys() >= set(self._needs):
            needs = ", ".join(self._needs)
            raise LocalError(f"{self.name} cannot fold this", expected=f"a frame with {needs}", got=x)
        folded = Frame(str(self.channel), x.instrument, self._columns(x), self._key)
        return self._emit(folded, metadata) if folded.rows else []


@register
def bars(upstream: FrameStream, interval: str | int, *, state: bytes | None = None) -> FoldNode:
    """Fold trades into bars of `interval` (as `1s`, or ns), by event time.

    Emits the bars that changed or became final, the open one (`final` False) last: start (ns), open, high, low,
    close, volume, notional, trades, final; a table by start. An interval without trades has no bar. A trade
    older than the open bar's start changes nothing and is counted: a bar is final when a later one exists.
    """
    fold = BarsFold(interval_ns(interval)) if state is None else BarsFold.restore(state)
    _check_interval(fold.interval_ns, interval)

    def columns(frame: Frame) -> Columns:
        rows = fold.fold(frame["ts"], frame["ticks"], frame["lots"])
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

    return FoldNode(upstream, "bars", TRADES, fold, columns, key="start")


@register
def vwap(upstream: FrameStream, interval: str | int | None = None, *, state: bytes | None = None) -> FoldNode:
    """Give the volume-weighted average price at each trade, since the beginning or the start of its window.

    With `interval`, windows are aligned to it by event time and each begins anew. Emits ts, seq, vwap, volume,
    notional (both since that start), and with windows `start`. A late trade and one of no quantity make no row.
    """
    fold = VwapFold(_optional(interval)) if state is None else VwapFold.restore(state)
    _check_interval(fold.interval_ns, interval)

    def columns(frame: Frame) -> Columns:
        rows = fold.fold(frame["ts"], frame["ticks"], frame["lots"])
        tick, lot = frame.instrument.tick_size, frame.instrument.lot_size
        return {
            **_places(frame, rows.kept, rows.start if fold.interval_ns else None),
            "vwap": units(rows.vwap, tick),
            "volume": units(rows.lots, lot),
            "notional": units(rows.notional, tick, lot),
        }

    return FoldNode(upstream, "vwap", TRADES, fold, columns)


@register
def order_flow_imbalance(
    upstream: FrameStream, interval: str | int | None = None, *, state: bytes | None = None
) -> FoldNode:
    """Give the order flow imbalance (Cont, Kukanov and Stoikov, 2014) at each quote, in units of quantity.

    Summed since the beginning or, with `interval`, since the start of its window. Emits ts, seq, change (the
    quote's own share), imbalance (the sum), and with windows `start`. A late quote makes no row.
    """
    fold = ImbalanceFold(_optional(interval)) if state is None else ImbalanceFold.restore(state)
    _check_interval(fold.interval_ns, interval)

    def columns(frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES))
        lot = frame.instrument.lot_size
        return {
            **_places(frame, rows.kept, rows.start if fold.interval_ns else None),
            "change": units(rows.change, lot),
            "imbalance": units(rows.imbalance, lot),
        }

    return FoldNode(upstream, "order_flow_imbalance", QUOTES, fold, columns)


@register
def spread(upstream: FrameStream, *, state: bytes | None = None) -> FoldNode:
    """Give the spread of each quote that has both sides. Emits ts, seq, spread, ticks (the spread's), mid."""
    fold = QuoteFold() if state is None else QuoteFold.restore(state)

    def columns(frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES[1:]))
        tick = frame.instrument.tick_size
        return {
            **_places(frame, rows.kept),
            "spread": units(rows.spread, tick),
            "ticks": rows.spread,
            "mid": units(rows.mid, tick),
        }

    return FoldNode(upstream, "spread", QUOTES, fold, columns)


@register
def microprice(upstream: FrameStream, *, state: bytes | None = None) -> FoldNode:
    """Give the mid weighted by the opposite sizes (Gatheral and Oomen, 2010) of each quote with both sides.

    Emits ts, seq, microprice, mid.
    """
    fold = QuoteFold() if state is None else QuoteFold.restore(state)

    def columns(frame: Frame) -> Columns:
        rows = fold.fold(*(frame[name] for name in QUOTES[1:]))
        tick = frame.instrument.tick_size
        return {
            **_places(frame, rows.kept),
            "microprice": units(rows.microprice, tick),
            "mid": units(rows.mid, tick),
        }

    return FoldNode(upstream, "microprice", QUOTES, fold, columns)


def _optional(interval: str | int | None) -> int:
    return 0 if interval is None else interval_ns(interval)


def _check_interval(saved: int, interval: str | int | None) -> None:
    if saved != _optional(interval):
        raise ConfigError("a saved state is of another interval", expected=f"{saved} ns", got=interval)


def _places(frame: Frame, kept: NDArray[np.bool_] | slice, start: Column | None = None) -> Columns:
    places: Columns = {name: frame[name][kept] for name in ("ts", "seq") if name in frame.columns}
    return places if start is None else {**places, "start": start}
