"""Recorded days as plain int64 rows: trades (ts, ticks, lots, side), quotes (ts, seq, bid, lots, ask, lots)."""

from functools import cache
from typing import NamedTuple

import numpy as np
from support.recorded import recorded

from rtlab.model import Instrument, Quote, VenueTrade
from rtlab.sources import Binance, Lobster
from rtlab.sources.lobster_files import MessageType

DAYS = {
    "btc": "binance/usdm_btcusdt_20240808.gz",
    "eth": "binance/spot_ethusdt_20240808.gz",
    "amzn": "lobster/AMZN_2012-06-21_message_1.csv.gz",
}


class Day(NamedTuple):
    instrument: Instrument
    trades: np.ndarray
    quotes: np.ndarray


@cache
def day(name: str) -> Day:
    path = recorded(DAYS[name])
    return _lobster(Lobster(path)) if name == "amzn" else _binance(Binance(path))


def _binance(recording: Binance) -> Day:
    trades, quotes = [], []
    for message in recording:
        if isinstance(message, VenueTrade):
            trades.append((message.ts_event, message.price, message.qty, message.aggressor_side))
        elif isinstance(message, Quote):
            sides = (message.bid, message.bid_qty, message.ask, message.ask_qty)
            quotes.append((message.ts_event or message.ts_recv, len(quotes) + 1, *sides))
    return Day(recording.instrument, np.array(trades, np.int64), np.array(quotes, np.int64))


def _lobster(recording: Lobster) -> Day:
    trades, quotes = [], []
    for row in recording.rows():
        if row.type == MessageType.EXECUTED:
            trades.append((row.ts, row.price, row.size, 1 - row.side))
        bid, ask = (level or (0, 0) for level in row.best)
        quotes.append((row.ts, row.number, *bid, *ask))
    return Day(recording.instrument, np.array(trades, np.int64), np.array(quotes, np.int64))
