"""The analytics as nodes, registered on every stream under the names of the field.

Each is a fold (see `analytics`) in a node: it begins anew, or goes on exactly from the `state` that the same node
gave before.
"""

from rtlab.pipelines.nodes.depth import book_pressure, depth_profile
from rtlab.pipelines.nodes.legs import asof, basket, correlation
from rtlab.pipelines.nodes.order import in_order
from rtlab.pipelines.nodes.quotes import microprice, midprice, order_flow_imbalance, spread
from rtlab.pipelines.nodes.rules import anomalies, stale
from rtlab.pipelines.nodes.series import atr, bollinger, ema, realized_volatility, rsi
from rtlab.pipelines.nodes.trades import (
    bars,
    notional_bars,
    tick_bars,
    trade_sign,
    twap,
    volume_bars,
    vwap,
)

__all__ = [
    "anomalies",
    "asof",
    "atr",
    "bars",
    "basket",
    "bollinger",
    "book_pressure",
    "correlation",
    "depth_profile",
    "ema",
    "in_order",
    "microprice",
    "midprice",
    "notional_bars",
    "order_flow_imbalance",
    "realized_volatility",
    "rsi",
    "spread",
    "stale",
    "tick_bars",
    "trade_sign",
    "twap",
    "volume_bars",
    "vwap",
]
