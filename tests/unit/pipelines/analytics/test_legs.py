import numpy as np

from rtlab.pipelines.analytics import BasketFold
from rtlab.pipelines.analytics.legs import take_prices


def test_a_leg_without_a_price_stands_at_none():
    memory = BasketFold([1.0, 1.0]).memory
    take_prices(memory, 0, np.array([1, 2, 3]), np.array([5.0, np.nan, 6.0]))
    standing = take_prices(memory, 1, np.array([2, 9]), np.array([7.0, 8.0]))
    assert standing.ts.tolist() == [1, 2, 3]
    assert standing.prices[1].tolist() == [5.0, 7.0]
    assert np.isnan(standing.prices[0, 1])
    assert memory.left_out == 1
