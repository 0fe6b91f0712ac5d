"""Streams of columnar frames and the analytics on them."""

from rtlab.pipelines.buffers import TradeRow
from rtlab.pipelines.clock import FrameClock
from rtlab.pipelines.conflate import conflate
from rtlab.pipelines.frame import Frame, quote_frame, trade_frame, units
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.nodes import bars, microprice, order_flow_imbalance, spread, vwap
from rtlab.pipelines.source import FrameSource, FrameSourceStatistics
from rtlab.pipelines.stream import FrameStream, register

__all__ = [
    "Frame",
    "FrameClock",
    "FrameSource",
    "FrameSourceStatistics",
    "FrameStream",
    "TradeRow",
    "bars",
    "conflate",
    "interval_ns",
    "microprice",
    "order_flow_imbalance",
    "quote_frame",
    "register",
    "spread",
    "trade_frame",
    "units",
    "vwap",
]
