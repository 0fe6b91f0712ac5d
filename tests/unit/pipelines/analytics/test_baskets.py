import numpy as np
import pandas as pd
import pytest

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import BasketFold


def leg(seed: int, count: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.integers(1, 40, count)) * 3 + seed % 3, 100 + rng.normal(0, 1, count).cumsum()


def test_a_basket_equals_the_filled_columns_of_pandas():
    legs, fold = [leg(1), leg(2), leg(3)], BasketFold([1.0, -2.0, 0.5])
    found = [fold.fold(number, *one) for number, one in enumerate(legs)] + [fold.finish()]
    table = (
        pd.concat([pd.Series(price, ts, name=str(n)) for n, (ts, price) in enumerate(legs)], axis=1)
        .sort_index()
        .ffill()
    )
    expected = (table["0"] - 2 * table["1"] + 0.5 * table["2"]).dropna()
    assert np.concatenate([one.ts for one in found]).tolist() == expected.index.tolist()
    assert np.concatenate([one.value for one in found]) == pytest.approx(
        expected.to_numpy(), rel=1e-12, abs=1e-12
    )


def test_a_basket_of_one_and_weights_that_are_no_numbers_are_refused():
    with pytest.raises(ConfigError, match="too few"):
        BasketFold([1.0])
    with pytest.raises(ConfigError, match="weights"):
        BasketFold([1.0, float("nan")])
