"""The analytics as plain columnar folds: arrays in, arrays out, state as bytes. They know no stream."""

from rtlab.pipelines.analytics.align import Aligner
from rtlab.pipelines.analytics.bars import Bar, BarColumns, BarsFold, bars
from rtlab.pipelines.analytics.baskets import BasketFold
from rtlab.pipelines.analytics.correlation import CorrelationFold
from rtlab.pipelines.analytics.depth import BookPressureFold, DepthProfileFold
from rtlab.pipelines.analytics.imbalance import ImbalanceColumns, ImbalanceFold, changes, order_flow_imbalance
from rtlab.pipelines.analytics.joins import AsofFold
from rtlab.pipelines.analytics.quotes import QuoteColumns, QuoteFold, microprice
from rtlab.pipelines.analytics.rolling import AnomalyFold, BollingerFold
from rtlab.pipelines.analytics.sign import LeeReadyFold, TickRuleFold
from rtlab.pipelines.analytics.smoothing import AtrFold, EmaFold, RsiFold
from rtlab.pipelines.analytics.staleness import StalenessFold
from rtlab.pipelines.analytics.threshold import ThresholdBarsFold
from rtlab.pipelines.analytics.twap import TwapFold
from rtlab.pipelines.analytics.volatility import VolatilityFold
from rtlab.pipelines.analytics.vwap import VwapColumns, VwapFold, vwap
from rtlab.pipelines.analytics.windows import Placed, Windows

__all__ = [
    "Aligner",
    "AnomalyFold",
    "AsofFold",
    "AtrFold",
    "Bar",
    "BarColumns",
    "BarsFold",
    "BasketFold",
    "BollingerFold",
    "BookPressureFold",
    "CorrelationFold",
    "DepthProfileFold",
    "EmaFold",
    "ImbalanceColumns",
    "ImbalanceFold",
    "LeeReadyFold",
    "Placed",
    "QuoteColumns",
    "QuoteFold",
    "RsiFold",
    "StalenessFold",
    "ThresholdBarsFold",
    "TickRuleFold",
    "TwapFold",
    "VolatilityFold",
    "VwapColumns",
    "VwapFold",
    "Windows",
    "bars",
    "changes",
    "microprice",
    "order_flow_imbalance",
    "vwap",
]
