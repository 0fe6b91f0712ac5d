"""The analytics as plain columnar folds: arrays in, arrays out, state as bytes. They know no stream."""

from rtlab.pipelines.analytics.bars import Bar, BarColumns, BarsFold, bars
from rtlab.pipelines.analytics.imbalance import (
    ImbalanceColumns,
    ImbalanceFold,
    changes,
    order_flow_imbalance,
)
from rtlab.pipelines.analytics.quotes import QuoteColumns, QuoteFold, microprice
from rtlab.pipelines.analytics.vwap import VwapColumns, VwapFold, vwap
from rtlab.pipelines.analytics.windows import Placed, Windows

__all__ = [
    "Bar",
    "BarColumns",
    "BarsFold",
    "ImbalanceColumns",
    "ImbalanceFold",
    "Placed",
    "QuoteColumns",
    "QuoteFold",
    "VwapColumns",
    "VwapFold",
    "Windows",
    "bars",
    "changes",
    "microprice",
    "order_flow_imbalance",
    "vwap",
]
