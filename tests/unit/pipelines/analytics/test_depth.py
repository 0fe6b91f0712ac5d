import numpy as np
import pandas as pd
import pytest

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import BookPressureFold, DepthProfileFold


def books(count: int = 300, levels: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    best = 1000 + rng.integers(-20, 20, (count, 1))
    bid = best - np.cumsum(rng.integers(1, 4, (count, levels)), axis=1)
    ask = best + np.cumsum(rng.integers(0, 4, (count, levels)), axis=1)
    bid_lots, ask_lots = rng.integers(0, 50, (2, count, levels))
    return [bid, bid_lots, ask, ask_lots]


def test_the_profile_equals_a_sum_over_a_long_table():
    bid, bid_lots, ask, ask_lots = books()
    fold, distances = DepthProfileFold([1, 3, 8]), [1, 3, 8]
    rows = fold.fold(bid, bid_lots, ask, ask_lots)
    kept = (bid_lots[:, 0] > 0) & (ask_lots[:, 0] > 0)
    assert rows.kept.tolist() == kept.tolist()
    mid = (bid[:, 0] + ask[:, 0]) / 2
    for got, price, lots in ((rows.bid_lots, bid, bid_lots), (rows.ask_lots, ask, ask_lots)):
        long = pd.DataFrame(
            {
                "book": np.repeat(np.arange(300), 5),
                "far": np.abs(price - mid[:, None]).ravel(),
                "lots": lots.ravel(),
            }
        )
        for number, distance in enumerate(distances):
            expected = long[long.far <= distance].groupby("book").lots.sum().reindex(range(300), fill_value=0)
            assert got[:, number].tolist() == expected[kept].tolist()
    assert fold.left_out == (~kept).sum() > 0


def test_the_pressure_weighs_levels():
    _, bid_lots, _, ask_lots = books()
    kept, pressure = BookPressureFold(0.5).fold(bid_lots, ask_lots)
    weights = 0.5 ** np.arange(5)
    bids, asks = pd.DataFrame(bid_lots) @ weights, pd.DataFrame(ask_lots) @ weights
    assert pressure == pytest.approx(((bids - asks) / (bids + asks))[kept].to_numpy(), rel=1e-12, abs=1e-15)


def test_an_empty_book_has_no_pressure():
    fold = BookPressureFold()
    kept, pressure = fold.fold(np.zeros((1, 2), np.int64), np.zeros((1, 2), np.int64))
    assert (kept.tolist(), pressure.tolist(), fold.left_out) == ([False], [], 1)


@pytest.mark.parametrize("distances", [[], [0], [2, 1], [1, 1]])
def test_distances_that_do_not_ascend_are_refused(distances):
    with pytest.raises(ConfigError, match="distances"):
        DepthProfileFold(distances)


@pytest.mark.parametrize("decay", [0, -1, 1.5, float("nan")])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ConfigError, match="decay"):
        BookPressureFold(decay)
