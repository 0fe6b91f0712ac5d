import numpy as np
import pandas as pd
import pytest

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import CorrelationFold
from rtlab.pipelines.analytics.correlation import correlations


def test_correlations_equal_those_of_pandas():
    rng, fold, series = np.random.default_rng(3), CorrelationFold(3, 50, 12), []
    for _ in range(3):
        ts = np.cumsum(rng.integers(1, 30, 600))
        price = np.exp(rng.normal(0, 0.01, 600).cumsum()) * 100
        series.append(pd.Series(price, ts))
    found = [fold.fold(leg, one.index.to_numpy(), one.to_numpy()) for leg, one in enumerate(series)] + [
        fold.finish()
    ]
    steps = (
        pd.concat([one.groupby(one.index // 50 * 50).last() for one in series], axis=1).sort_index().ffill()
    )
    returns = np.log(steps.dropna()).diff().dropna()
    rolled = returns.rolling(12).corr().dropna()
    expected = {pair: rolled.xs(pair[0], level=1)[pair[1]].iloc[:-1] for pair in fold.pairs}
    got = np.concatenate([one.correlation for one in found])
    starts = np.concatenate([one.start for one in found])
    assert starts.tolist() == expected[0, 1].index.tolist()
    for column, pair in enumerate(fold.pairs):
        assert got[:, column] == pytest.approx(expected[pair].to_numpy(), rel=1e-9, abs=1e-9)
        exact = [np.corrcoef(returns.iloc[n : n + 12].T)[pair] for n in range(len(got))]
        assert got[:, column] == pytest.approx(exact, rel=1e-12, abs=1e-12)


def test_without_variance_there_is_no_correlation():
    assert np.isnan(correlations(np.array([[0.0, 1.0], [0.0, 2.0]]))).all()


def test_prices_that_are_none_are_left_out():
    fold = CorrelationFold(2, 10, 2)
    fold.fold(0, np.array([1, 2, 3]), np.array([1.0, -1.0, np.nan]))
    assert fold.left_out == 2


def test_a_grid_without_steps_is_refused():
    with pytest.raises(ConfigError, match="step"):
        CorrelationFold(2, 0, 5)
    with pytest.raises(ConfigError, match="period"):
        CorrelationFold(2, 10, 1)
