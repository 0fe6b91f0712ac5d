"""Where a market comes from: recorded order flow and market data, or a simulated one."""

from rtlab.sources.binance import Binance, BinanceStatistics
from rtlab.sources.flow import Chunk, Commands, MarketData, OrderFlow
from rtlab.sources.lobster import Lobster, Step
from rtlab.sources.lobster_check import LobsterCheck, LobsterReport, Miss, verify
from rtlab.sources.opening import open_source
from rtlab.sources.oracle import Difference, OracleStatistics, QuoteOracle
from rtlab.sources.simulated import Simulated, demo_instruments

__all__ = [
    "Binance",
    "BinanceStatistics",
    "Chunk",
    "Commands",
    "Difference",
    "Lobster",
    "LobsterCheck",
    "LobsterReport",
    "MarketData",
    "Miss",
    "OracleStatistics",
    "OrderFlow",
    "QuoteOracle",
    "Simulated",
    "Step",
    "demo_instruments",
    "open_source",
    "verify",
]
