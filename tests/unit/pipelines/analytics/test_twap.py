import numpy as np
import pandas as pd
import pytest
from support.frames import SECOND, random_trades

from rtlab.pipelines.analytics import TwapFold


def test_a_price_counts_for_as_long_as_it_stood():
    rows = TwapFold().fold(np.array([0, 10, 40]), np.array([100, 200, 500]))
    assert rows.elapsed.tolist() == [0, 10, 40]
    assert rows.twap.tolist() == [100.0, 100.0, (10 * 100 + 30 * 200) / 40]


def test_in_a_window_the_price_before_it_counts_from_its_start():
    rows = TwapFold(100).fold(np.array([50, 90, 130]), np.array([10, 20, 30]))
    assert rows.start.tolist() == [0, 0, 100]
    assert rows.twap.tolist() == [10.0, 10.0, 20.0]
    assert rows.elapsed.tolist() == [0, 40, 30]


@pytest.mark.parametrize("interval", [0, SECOND])
def test_it_equals_an_integral_of_pandas(interval):
    t = random_trades(8, 3000)
    rows = TwapFold(interval).fold(t[:, 0], t[:, 1])
    table = pd.DataFrame({"ts": t[:, 0], "price": t[:, 1]})
    table["start"] = table.ts // interval * interval if interval else table.ts.iloc[0]
    before = table.price.shift(fill_value=table.price.iloc[0])
    held = table.ts - np.maximum(table.ts.shift(fill_value=table.ts.iloc[0]), table.start)
    held.iloc[0] = 0
    area = (before * held).groupby(table.start).cumsum()
    elapsed = held.groupby(table.start).cumsum()
    assert rows.area.tolist() == area.tolist()
    assert rows.elapsed.tolist() == elapsed.tolist()


def test_a_late_row_is_left_out_and_one_out_of_order_counts_as_of_the_same_time():
    fold = TwapFold(100)
    rows = fold.fold(np.array([110, 150, 120, 90, 160]), np.array([1, 2, 3, 9, 4]))
    assert rows.ticks.tolist() == [1, 2, 3, 4]
    assert rows.elapsed.tolist() == [0, 40, 40, 50]
    assert fold.left_out == 1
