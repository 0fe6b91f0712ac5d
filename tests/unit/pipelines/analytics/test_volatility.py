import numpy as np
import pandas as pd
import pytest
from support.frames import SECOND, random_trades

from rtlab.pipelines.analytics import VolatilityFold


@pytest.mark.parametrize("interval", [0, SECOND])
def test_it_equals_the_root_of_sums_of_pandas(interval):
    t = random_trades(8, 4000)
    rows = VolatilityFold(interval).fold(t[:, 0], t[:, 1].astype(float))
    squares = np.log(pd.Series(t[:, 1].astype(float))).diff().fillna(0) ** 2
    start = t[:, 0] // interval * interval if interval else np.zeros(len(t))
    assert rows.volatility == pytest.approx(
        np.sqrt(squares.groupby(start).cumsum()).to_numpy(), rel=1e-12, abs=1e-15
    )


def test_prices_that_have_no_logarithm_are_left_out():
    fold = VolatilityFold()
    rows = fold.fold(np.arange(5), np.array([1.0, 0.0, np.nan, -3.0, 1.0]))
    assert np.arange(5)[rows.kept].tolist() == [0, 4]
    assert rows.kept.tolist() == [True, False, False, False, True]
    assert rows.variance.tolist() == [0.0, 0.0]
    assert fold.left_out == 3
