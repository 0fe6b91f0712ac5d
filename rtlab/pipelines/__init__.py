"""Streams of columnar frames and the analytics on them."""

from typing import TYPE_CHECKING

from rtlab.pipelines.buffers import TradeRow
from rtlab.pipelines.clock import FrameClock
from rtlab.pipelines.conflate import conflate
from rtlab.pipelines.drawing import Drawing
from rtlab.pipelines.flow import buffer, throttle
from rtlab.pipelines.frame import Frame, depth_frame, quote_frame, trade_frame, units
from rtlab.pipelines.graph import Graph, Running
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.loop import Failure
from rtlab.pipelines.nodes import (
    anomalies,
    asof,
    atr,
    bars,
    basket,
    bollinger,
    book_pressure,
    correlation,
    depth_profile,
    ema,
    in_order,
    microprice,
    midprice,
    notional_bars,
    order_flow_imbalance,
    realized_volatility,
    rsi,
    spread,
    stale,
    tick_bars,
    trade_sign,
    twap,
    volume_bars,
    vwap,
)
from rtlab.pipelines.outputs import FrameRow, dataframe, frame_topic, read_frames, to_bus, to_store
from rtlab.pipelines.rows import each
from rtlab.pipelines.sliding import window
from rtlab.pipelines.source import FrameSource, FrameSourceStatistics
from rtlab.pipelines.stream import FrameStream, register

if TYPE_CHECKING:
    from rtlab.pipelines.cluster.backfill import backfill, read_backfill
    from rtlab.pipelines.cluster.deployment import Deployment, deploy
    from rtlab.pipelines.cluster.log import Log

__all__ = [
    "Deployment",
    "Drawing",
    "Failure",
    "Frame",
    "FrameClock",
    "FrameRow",
    "FrameSource",
    "FrameSourceStatistics",
    "FrameStream",
    "Graph",
    "Log",
    "Running",
    "TradeRow",
    "anomalies",
    "asof",
    "atr",
    "backfill",
    "bars",
    "basket",
    "bollinger",
    "book_pressure",
    "buffer",
    "conflate",
    "correlation",
    "dataframe",
    "deploy",
    "depth_frame",
    "depth_profile",
    "each",
    "ema",
    "frame_topic",
    "in_order",
    "interval_ns",
    "microprice",
    "midprice",
    "notional_bars",
    "order_flow_imbalance",
    "quote_frame",
    "read_backfill",
    "read_frames",
    "realized_volatility",
    "register",
    "rsi",
    "spread",
    "stale",
    "throttle",
    "tick_bars",
    "to_bus",
    "to_store",
    "trade_frame",
    "trade_sign",
    "twap",
    "units",
    "volume_bars",
    "vwap",
    "window",
]

_OF_THE_CLUSTER = ("Deployment", "Log", "backfill", "deploy", "read_backfill")


def __getattr__(name: str) -> object:
    if name not in _OF_THE_CLUSTER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rtlab.pipelines import cluster  # late: it needs Redis, which most graphs do not

    return getattr(cluster, name)
