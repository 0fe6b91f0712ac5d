import numpy as np
import pandas as pd
import pytest
from support.session import session

from rtlab.book import Market
from rtlab.errors import ConfigError
from rtlab.lab.analysed import Analyst, analysed, bring_on, digest
from rtlab.lab.session import RecordedSession
from rtlab.pipelines import Frame

BTC = "BTC-USD"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("session")
    session(place)
    return place


@pytest.fixture(scope="module")
def results(folder):
    with RecordedSession(folder) as one:
        return analysed(one)


def test_bars_are_those_that_pandas_makes_of_the_stored_trades(folder, results):
    with RecordedSession(folder) as one:
        trades = one.store.read("trades", BTC).to_pandas()
    price = trades.price * 0.01
    second = price.groupby(trades.ts // 10**9 * 10**9)
    wanted = second.agg(["first", "max", "min", "last"])
    bars = results[BTC]["bars"]
    assert bars["start"].tolist() == wanted.index.tolist()
    for name, column in zip(("open", "high", "low", "close"), wanted.columns, strict=True):
        np.testing.assert_allclose(bars[name], wanted[column])
    volume = trades.qty.groupby(trades.ts // 10**9 * 10**9).sum() * 0.001
    np.testing.assert_allclose(bars["volume"], volume)


def test_there_is_a_quote_for_every_change_of_the_best_prices(folder, results):
    seen = []
    with RecordedSession(folder) as one:
        market = Market(list(one.instruments.values()), 1)
        market.on_step = lambda state, step: seen.append(state.ticker.row[1:5])
        bring_on(market, one.moves())
    best = pd.Series(seen)
    spreads = results[BTC]["spread"]
    assert spreads["seq"].tolist() == list(range(1, spreads.rows + 1))
    assert spreads.rows >= (best != best.shift()).sum() - 1
    bid, _, ask, _ = seen[-1]
    assert spreads["ticks"][-1] == ask - bid


def test_any_batch_gives_the_same_digest(folder, results):
    with RecordedSession(folder) as one:
        assert {digest(analysed(one, batch=batch)) for batch in (1, 3, 500)} == {digest(results)}


def test_one_changed_number_is_another_digest(results):
    bars = results[BTC]["bars"]
    volume = bars["volume"].copy()
    volume[3] += 0.001
    changed = {
        **results[BTC],
        "bars": Frame("bars", bars.instrument, {**bars.columns, "volume": volume}, "start"),
    }
    assert digest({BTC: changed}) != digest(results)


def test_another_name_is_another_digest(results):
    assert digest({"ETH-USD": results[BTC]}) != digest(results)


def test_frames_hold_a_row_at_least(folder):
    with RecordedSession(folder) as one, pytest.raises(ConfigError, match="1 or more"):
        Analyst(one.instruments.values(), batch=0)
