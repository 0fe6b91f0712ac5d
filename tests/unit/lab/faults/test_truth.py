import pytest

from rtlab.book import Market
from rtlab.engine import Engine
from rtlab.errors import LocalError
from rtlab.lab.faults.stage import truth_of
from rtlab.sources.simulated import Simulated, demo_instruments


def test_it_is_what_the_engine_and_the_market_make_however_their_steps_are_cut():
    instruments = demo_instruments()
    simulated = Simulated(
        instruments, rate=3000, seed=9, start=5_000_000_000
    )  # when it opens changes nothing
    engine, market, truth = Engine(list(instruments)), Market(instruments, 1), truth_of(9, 3000)
    for step in range(1, 40):
        market.apply(engine.process(simulated.until(5_000_000_000 + step * 37_000_000)))
        for symbol in market.symbols:
            book, tape = market.book(symbol), market.source("trades", symbol)
            assert truth.book(symbol, book.seq) == (book.bids(), book.asks())
            assert truth.totals(symbol, tape.seq) == tape.totals


def test_it_goes_forward_only():
    truth = truth_of(1, 2000)
    truth.book("BTC-USD", 100)
    truth.book("ETH-USD", 10)  # each instrument for itself
    with pytest.raises(LocalError, match="from 100 on"):
        truth.book("BTC-USD", 99)
    truth.totals("BTC-USD", 20)
    with pytest.raises(LocalError, match="from 20 on"):
        truth.totals("BTC-USD", 19)
