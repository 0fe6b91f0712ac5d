"""Nodes over the best levels of a book (see `depth_frame`)."""

from collections.abc import Sequence

import numpy as np

from rtlab.errors import LocalError
from rtlab.pipelines.analytics import BookPressureFold, DepthProfileFold
from rtlab.pipelines.frame import Frame, Integers, units
from rtlab.pipelines.node import QUOTES, Columns, FoldNode, places
from rtlab.pipelines.stream import FrameStream, register

FROM_DEPTH = ("depth", "ticker", "book", "in_order", "asof")


@register
def depth_profile(
    upstream: FrameStream, distances: Sequence[int], *, state: bytes | None = None
) -> "FoldNode[DepthProfileFold]":
    """Give what rests within each of `distances` (ticks from the mid) on both sides, of books with both sides.

    Emits ts, seq, and for each distance d `bid_within_d` and `ask_within_d`, in units of quantity. What lies
    beyond the levels of the frames is not seen.
    """

    def columns(fold: DepthProfileFold, frame: Frame) -> Columns:
        rows = fold.fold(*levels_of(frame))
        lot, found = frame.instrument.lot_size, places(frame, rows.kept)
        for number, distance in enumerate(fold.memory.distances):
            found[f"bid_within_{distance}"] = units(rows.bid_lots[:, number], lot)
            found[f"ask_within_{distance}"] = units(rows.ask_lots[:, number], lot)
        return found

    fold = DepthProfileFold(distances)
    return FoldNode(upstream, "depth_profile", QUOTES, fold, columns, channels=FROM_DEPTH, state=state)


@register
def book_pressure(
    upstream: FrameStream, decay: float = 1.0, *, state: bytes | None = None
) -> "FoldNode[BookPressureFold]":
    """Give (bids - asks) / (bids + asks) of what rests, level k (from 0) with weight decay ** k; -1 to 1.

    Emits ts, seq, pressure.
    """

    def columns(fold: BookPressureFold, frame: Frame) -> Columns:
        _, bid_lots, _, ask_lots = levels_of(frame)
        kept, pressure = fold.fold(bid_lots, ask_lots)
        return {**places(frame, kept), "pressure": pressure}

    fold = BookPressureFold(decay)
    return FoldNode(upstream, "book_pressure", QUOTES, fold, columns, channels=FROM_DEPTH, state=state)


def levels_of(frame: Frame) -> tuple[Integers, Integers, Integers, Integers]:
    """Give bid ticks, bid lots, ask ticks and ask lots of a frame, rows by levels; LocalError for a hole in them."""
    deepest = sum(name.startswith("bid_lots_") for name in frame.columns)
    suffixes = ["", *(f"_{level}" for level in range(1, deepest + 1))]
    try:
        bid, bid_lots, ask, ask_lots = (
            np.stack([frame[name + suffix] for suffix in suffixes], axis=1) for name in QUOTES[1:]
        )
    except KeyError as missing:
        raise LocalError("a frame of depth lacks a level", expected=str(missing), got=frame) from None
    return bid, bid_lots, ask, ask_lots
