"""The market is a fold over the engine's events: after any batch its books are the engine's, and its trades add up."""

import numpy as np
import pytest
from support.random_rows import instruments, random_rows

from rtlab.book import WHOLE, Market
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import EventKind, Side

SYMBOLS = 3


@pytest.mark.parametrize("seed", range(6))
def test_books_and_trades_follow_the_engine_batch_by_batch(seed):
    rng = np.random.default_rng(seed)
    engine, market = ReferenceEngine(instruments(SYMBOLS)), Market(instruments(SYMBOLS), 1)
    commands = random_rows(rng, 3000, symbols=SYMBOLS)
    bought = dict.fromkeys(range(SYMBOLS), 0)
    start = 0
    while start < len(commands):
        size = int(rng.choice([1, 5, 50, 400]))
        events = engine.process(commands[start : start + size])
        start += size
        market.apply(events)
        buys = events[(events["kind"] == EventKind.TRADE) & (events["side"] == Side.BID)]
        for index, symbol in enumerate(market.symbols):
            assert (market.book(symbol).bids(), market.book(symbol).asks()) == engine.book(symbol)
            bought[index] += int(buys["qty"][buys["instrument"] == index].sum())
            assert market.source("trades", symbol).totals.bought == bought[index]
            row = market.source("ticker", symbol).row
            bids, asks = engine.book(symbol, 1)
            assert [(row.bid, row.bid_qty)] == (bids or [(None, 0)])
            assert [(row.ask, row.ask_qty)] == (asks or [(None, 0)])
    assert sum(bought.values()) > 0
    assert market.book("I0").bids(WHOLE)
