from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from support.frames import quote_rows, random_quotes

from rtlab.errors import SourceError
from rtlab.pipelines.analytics.quotes import QuoteColumns, QuoteFold, microprice
from rtlab.pipelines.analytics.vwap import VwapFold


def folded(fold: QuoteFold, *rows: tuple[int, int, int, int]) -> QuoteColumns:
    return fold.fold(*np.array(rows, np.int64).reshape(-1, 4).T)


def test_a_quote_has_a_spread_a_mid_and_a_microprice():
    found = folded(QuoteFold(), (100, 30, 104, 10))
    assert found.spread.tolist() == [4]
    assert found.mid.tolist() == [102.0]
    assert found.microprice.tolist() == [
        103.0
    ]  # three times the demand: three quarters of the way to the ask


def test_equal_sizes_put_the_microprice_on_the_mid():
    found = folded(QuoteFold(), (100, 5, 101, 5))
    assert found.microprice.tolist() == found.mid.tolist() == [100.5]


@pytest.mark.parametrize("quote", [(0, 0, 104, 10), (100, 30, 0, 0), (0, 0, 0, 0)])
def test_a_quote_with_an_empty_side_makes_no_row_and_is_counted(quote):
    fold = QuoteFold()
    found = folded(fold, quote, (100, 1, 101, 1))
    assert found.kept.tolist() == [False, True]
    assert found.spread.tolist() == [1]
    assert fold.left_out == 1
    assert folded(fold, quote).microprice.tolist() == []
    assert fold.left_out == 2


def test_no_quote_gives_no_row():
    assert [column.size for column in folded(QuoteFold())] == [0, 0, 0, 0]


def test_a_crossed_quote_has_a_spread_below_zero():
    assert folded(QuoteFold(), (105, 1, 100, 1)).spread.tolist() == [-5]


def test_a_quote_at_price_zero_has_both_sides():
    assert folded(QuoteFold(), (0, 1, 2, 1)).mid.tolist() == [1.0]


def test_the_microprice_lies_between_bid_and_ask_on_a_random_day():
    rows = random_quotes(9, 5000, empty=0)[:, 2:]
    found = folded(QuoteFold(), *map(tuple, rows.tolist()))
    assert ((rows[:, 0] <= found.microprice) & (found.microprice <= rows[:, 2])).all()
    heavier_bid = rows[:, 1] > rows[:, 3]
    assert (found.microprice[heavier_bid] > found.mid[heavier_bid]).all()


@settings(deadline=None)
@given(quote_rows(2**40))
def test_the_microprice_equals_the_weighted_mid_in_fractions(rows):
    rows = rows[(rows[:, 3] > 0) & (rows[:, 5] > 0)]
    found = microprice(*rows[:, 2:].T)
    for (_, _, bid, bid_lots, ask, ask_lots), value in zip(rows.tolist(), found.tolist(), strict=True):
        exact = Fraction(bid * ask_lots + ask * bid_lots, bid_lots + ask_lots)
        assert value == pytest.approx(float(exact), rel=1e-12, abs=1e-3)


def test_a_restored_fold_goes_on_counting():
    fold = QuoteFold()
    folded(fold, (0, 0, 1, 1))
    again = QuoteFold.restore(fold.state())
    folded(again, (0, 0, 1, 1))
    assert again.left_out == 2


def test_the_state_of_another_fold_is_refused():
    with pytest.raises(SourceError, match="quotes 1"):
        QuoteFold.restore(VwapFold(10).state())
