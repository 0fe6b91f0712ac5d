"""Nodes that say when something is odd: a value that does not fit, a stream that fell silent."""

from collections.abc import Sequence

from rtlab.pipelines.analytics import AnomalyFold, StalenessFold
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.node import Columns, FoldNode, LegsNode, floats
from rtlab.pipelines.nodes.series import about, final_rows, times_of, when
from rtlab.pipelines.stream import FrameStream, register


@register
def anomalies(
    upstream: FrameStream,
    threshold: float = 5.0,
    period: int = 100,
    column: str | None = None,
    *,
    state: bytes | None = None,
) -> "FoldNode[AnomalyFold]":
    """Give the rows that are `threshold` deviations or more from the mean of the `period` rows before them.

    Emits ts, seq, value, mean, deviation, score (signed; infinite where nothing had deviated before).
    """
    name = about(upstream, column)

    def columns(fold: AnomalyFold, frame: Frame) -> Columns:
        frame = final_rows(frame)
        rows = fold.fold(floats(frame, name))
        found = {"value": rows.value, "mean": rows.mean, "deviation": rows.deviation, "score": rows.score}
        return {**when(frame, rows.kept), **found}

    return FoldNode(
        upstream, "anomalies", (name,), AnomalyFold(period, threshold), columns, state=state, column=name
    )


@register
def stale(
    upstream: FrameStream,
    after: str | int,
    beside: Sequence[FrameStream] = (),
    *,
    state: bytes | None = None,
) -> "LegsNode[StalenessFold]":
    """Tell when the stream was silent for longer than `after`, in event time.

    `beside` are streams whose rows tell the time as well (at most one is needed: that of a busy instrument); with
    them a silence is told while it lasts. Emits ts, since (ns), over.
    """

    def columns(fold: StalenessFold, leg: int, frame: Frame) -> Columns:
        found = fold.fold_others(times_of(frame)) if leg else fold.fold(times_of(frame))
        return {"ts": found.ts, "since": found.since, "over": found.over}

    legs = (upstream, *beside)
    fold = StalenessFold(interval_ns(after))
    return LegsNode(legs, "stale", [()] * len(legs), fold, columns, state=state, streams=len(legs))
