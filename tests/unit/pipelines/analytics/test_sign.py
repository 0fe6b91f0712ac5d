import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from rtlab.pipelines.analytics import LeeReadyFold, TickRuleFold


@given(st.lists(st.integers(1, 4), max_size=30))
def test_the_tick_rule_equals_that_of_pandas(prices):
    change = np.sign(pd.Series(prices, dtype="float").diff())
    expected = change.where(change != 0).ffill().fillna(0)
    assert TickRuleFold().fold(np.array(prices, np.int64)).tolist() == expected.tolist()


def test_the_quote_decides_and_the_tick_rule_where_it_cannot():
    ticks = np.array([10, 12, 11, 11, 11])
    bid, ask = np.array([10, 10, 10, 10, 12]), np.array([12, 12, 12, 12, 14])
    some, none = np.full(5, 5), np.array([5, 5, 5, 0, 5])
    assert LeeReadyFold().fold_quoted(ticks, bid, some, ask, none).tolist() == [-1, 1, -1, -1, -1]
