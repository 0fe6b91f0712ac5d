import numpy as np
import pandas as pd
import pytest
import talib

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import AnomalyFold, BollingerFold

VALUES = np.random.default_rng(7).normal(0, 1, 2000).cumsum() + 1000


def test_bollinger_equals_talib():
    rows = BollingerFold(20).fold(VALUES)
    upper, middle, lower = (band[19:] for band in talib.BBANDS(VALUES, 20, 2, 2))
    assert rows.mean == pytest.approx(middle, rel=1e-12)
    assert rows.mean + 2 * rows.deviation == pytest.approx(upper, rel=1e-9)
    exact = pd.Series(VALUES).rolling(20).apply(lambda w: np.std(w.to_numpy()), raw=False).to_numpy()[19:]
    assert rows.deviation == pytest.approx(exact, rel=1e-12)
    assert rows.mean - 2 * rows.deviation == pytest.approx(lower, rel=1e-9)


def test_anomalies_equal_a_shifted_window_of_pandas():
    fold = AnomalyFold(10, 2.5)
    rows = fold.fold(VALUES)
    before = pd.Series(VALUES).rolling(10)
    mean, deviation = before.mean().shift(1), before.std(ddof=0).shift(1)
    expected = ((VALUES - mean) / deviation).abs() >= 2.5
    assert rows.kept.tolist() == expected.tolist()
    assert expected.sum() > 10
    assert rows.score == pytest.approx(((VALUES - mean) / deviation)[expected].to_numpy(), rel=1e-6)


def test_after_a_standstill_any_change_is_odd():
    rows = AnomalyFold(3, 5.0).fold(np.array([1.0, 1.0, 1.0, 1.0, 1.5, 0.5]))
    assert rows.value.tolist() == [1.5]
    assert rows.score.tolist() == [np.inf]


def test_what_is_no_number_is_left_out():
    fold = BollingerFold(2)
    rows = fold.fold(np.array([1.0, np.nan, 2.0, np.inf, 4.0]))
    assert rows.kept.tolist() == [False, False, True, False, True]
    assert rows.mean.tolist() == [1.5, 3.0]
    assert fold.left_out == 2


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="period"):
        BollingerFold(1)
    with pytest.raises(ConfigError, match="threshold"):
        AnomalyFold(5, 0)
