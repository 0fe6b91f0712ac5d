import numpy as np
import pandas as pd
import pytest
import talib
from talipp.indicators import ATR, EMA, RSI
from talipp.ohlcv import OHLCV

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import AtrFold, EmaFold, RsiFold

RNG = np.random.default_rng(9)
CLOSE = RNG.normal(0, 1, 3000).cumsum() + 500
HIGH, LOW = CLOSE + RNG.random(3000), CLOSE - RNG.random(3000)


def given(values: list) -> np.ndarray:
    return np.array([one for one in values if one is not None])


@pytest.mark.parametrize("period", [1, 2, 20, 2999])
def test_ema_equals_talib_talipp_and_pandas(period):
    got = EmaFold(period).fold(CLOSE).value
    seeded = (
        pd.Series([CLOSE[:period].mean(), *CLOSE[period:]]).ewm(alpha=2 / (period + 1), adjust=False).mean()
    )
    assert got == pytest.approx(seeded.to_numpy(), rel=1e-12)
    assert got == pytest.approx(given(EMA(period, CLOSE.tolist())), rel=1e-12)
    if period > 1:
        assert got == pytest.approx(talib.EMA(CLOSE, period)[period - 1 :], rel=1e-12)


@pytest.mark.parametrize("period", [2, 14, 200])
def test_rsi_equals_talib_and_talipp(period):
    got = RsiFold(period).fold(CLOSE).value
    assert got == pytest.approx(talib.RSI(CLOSE, period)[period:], rel=1e-12)
    assert got == pytest.approx(given(RSI(period, CLOSE.tolist())), rel=1e-10)


@pytest.mark.parametrize("period", [1, 14, 200])
def test_atr_equals_talipp(period):
    got = AtrFold(period).fold(HIGH, LOW, CLOSE).value
    bars = [OHLCV(0, high, low, close) for high, low, close in zip(HIGH, LOW, CLOSE, strict=True)]
    assert got == pytest.approx(given(ATR(period, bars)), rel=1e-12)


def test_where_nothing_moves_the_index_is_in_the_middle():
    assert RsiFold(2).fold(np.ones(5)).value.tolist() == [50.0] * 3
    assert RsiFold(2).fold(np.arange(5.0)).value.tolist() == [100.0] * 3
    rising = 10 + 0.1 * np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
    assert RsiFold(3).fold(rising).value.max() <= 100


def test_what_is_no_number_is_left_out():
    fold = EmaFold(2)
    rows = fold.fold(np.array([np.nan, 1.0, np.inf, 3.0, 5.0]))
    assert rows.kept.tolist() == [False, False, False, True, True]
    assert fold.left_out == 2
    bars = AtrFold(1)
    bars.fold(np.array([1.0, np.nan]), np.array([0.0, 1.0]), np.array([0.5, 1.0]))
    assert bars.left_out == 1


@pytest.mark.parametrize("period", [0, -1, 100_001])
def test_a_period_out_of_range_is_refused(period):
    with pytest.raises(ConfigError, match="period"):
        EmaFold(period)


@pytest.mark.parametrize("period", ["price", 2.0, None])
def test_a_period_that_is_no_whole_number_is_told_how_it_is_written(period):
    with pytest.raises(ConfigError, match=r"no whole number: expected rows, as ema\(20\), got"):
        EmaFold(period)
