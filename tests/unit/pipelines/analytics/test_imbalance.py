import numpy as np
import pytest
from support.frames import SECOND, random_quotes

from rtlab.errors import SourceError
from rtlab.pipelines.analytics.imbalance import (
    ImbalanceColumns,
    ImbalanceFold,
    changes,
    order_flow_imbalance,
)
from rtlab.pipelines.analytics.vwap import VwapFold

START = (0, 100, 5, 110, 7)


def folded(fold: ImbalanceFold, *rows: tuple[int, int, int, int, int]) -> ImbalanceColumns:
    return fold.fold(*np.array(rows, np.int64).reshape(-1, 5).T)


def change(quote: tuple[int, int, int, int]) -> int:
    return folded(ImbalanceFold(), START, (1, *quote)).change.tolist()[1]


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ((100, 5, 110, 7), 0),  # nothing changed
        ((100, 9, 110, 7), 4),  # more demand at the same price
        ((100, 2, 110, 7), -3),  # less
        ((101, 3, 110, 7), 3),  # a better bid: its whole quantity is new
        ((99, 8, 110, 7), -5),  # the best bid is gone: its whole quantity was lost
        ((100, 5, 110, 9), -2),  # more supply
        ((100, 5, 110, 1), 6),  # less supply
        ((100, 5, 109, 4), -4),  # a better ask
        ((100, 5, 111, 4), 7),  # the best ask is gone
        ((101, 3, 109, 4), -1),  # both sides come nearer
        ((0, 0, 110, 7), -5),  # the bid side is empty
        ((100, 5, 0, 0), 7),  # the ask side is empty
        ((0, 0, 0, 0), 2),  # both are
    ],
)
def test_the_change_of_a_quote_is_that_of_the_paper(quote, expected):
    assert change(quote) == expected


def test_a_side_that_appears_counts_with_its_whole_quantity():
    found = folded(
        ImbalanceFold(), (0, 0, 0, 110, 7), (1, 100, 5, 110, 7), (2, 100, 5, 0, 0), (3, 100, 5, 108, 2)
    )
    assert found.change.tolist() == [0, 5, 7, -2]


def test_a_side_that_stays_empty_changes_nothing():
    assert folded(ImbalanceFold(), (0, 0, 0, 110, 7), (1, 0, 0, 110, 7)).change.tolist() == [0, 0]


def test_a_bid_at_price_zero_is_a_price_and_no_empty_side():
    assert folded(ImbalanceFold(), (0, 0, 4, 9, 1), (1, 0, 6, 9, 1)).change.tolist() == [0, 2]


def test_the_first_quote_ever_changes_nothing():
    assert folded(ImbalanceFold(), START).imbalance.tolist() == [0]


def test_the_imbalance_is_the_sum_of_changes_over_batches():
    fold = ImbalanceFold()
    folded(fold, START, (1, 100, 9, 110, 7))
    found = folded(fold, (2, 101, 3, 110, 7), (3, 101, 3, 110, 9))
    assert found.change.tolist() == [3, -2]
    assert found.imbalance.tolist() == [7, 5]


def test_in_windows_each_begins_anew_with_the_change_that_opens_it():
    found = folded(
        ImbalanceFold(10), START, (9, 100, 9, 110, 7), (10, 100, 10, 110, 7), (11, 100, 12, 110, 7)
    )
    assert found.start.tolist() == [0, 0, 10, 10]
    assert found.imbalance.tolist() == [0, 4, 1, 3]


def test_a_late_quote_is_in_no_window_but_the_next_change_is_measured_from_it():
    fold = ImbalanceFold(10)
    folded(fold, (25, 100, 5, 110, 7))
    found = folded(fold, (5, 100, 50, 110, 7), (26, 100, 51, 110, 7))
    assert np.arange(2)[found.kept].tolist() == [1]
    assert (found.change.tolist(), found.imbalance.tolist()) == ([1], [1])
    assert fold.left_out == 1


def test_nothing_and_nothing_but_late_quotes_give_no_row():
    fold = ImbalanceFold(10)
    assert folded(fold).imbalance.size == 0
    folded(fold, (25, 1, 1, 2, 1))
    assert folded(fold, (5, 1, 1, 2, 1)).imbalance.size == 0


def test_changes_can_be_asked_for_without_a_fold():
    columns = [np.array([value], np.int64) for value in (101, 3, 110, 7)]
    assert changes((100, 5, 110, 7), *columns).tolist() == [3]
    assert changes(None, *columns).tolist() == [0]


def test_quantities_near_the_limit_of_int64_are_exact():
    big = 2**63 - 1
    found = folded(ImbalanceFold(), (0, 1, big, 2, 1), (1, 0, 0, 1, big), (2, 1, big, 0, 0), (3, 1, 1, 0, 0))
    assert found.change.tolist() == [0, -2 * big, 2 * big, 1 - big]
    assert found.imbalance.tolist()[-1] == 1 - big


def row_by_row(rows: np.ndarray) -> list[int]:
    found, before = [], None
    for _, bid, bid_lots, ask, ask_lots in rows.tolist():
        bid, ask = (bid if bid_lots else -np.inf), (ask if ask_lots else np.inf)
        if before is None:
            found.append(0)
        else:
            old_bid, old_bid_lots, old_ask, old_ask_lots = before
            demand = (bid_lots if bid >= old_bid else 0) - (old_bid_lots if bid <= old_bid else 0)
            supply = (ask_lots if ask <= old_ask else 0) - (old_ask_lots if ask >= old_ask else 0)
            found.append(demand - supply)
        before = bid, bid_lots, ask, ask_lots
    return found


def test_a_random_day_equals_the_formula_row_by_row():
    rows = random_quotes(3, 5000)[:, [0, 2, 3, 4, 5]]
    found = order_flow_imbalance(*rows.T)
    assert found.change.tolist() == row_by_row(rows)
    assert found.imbalance.tolist() == np.cumsum(row_by_row(rows)).tolist()


@pytest.mark.parametrize("interval_ns", [0, SECOND])
def test_a_restored_fold_goes_on_as_if_nothing_had_been(interval_ns):
    rows = random_quotes(4, 2000, jitter=3 * SECOND)[:, [0, 2, 3, 4, 5]]
    fold = ImbalanceFold(interval_ns)
    fold.fold(*rows[:900].T)
    again = ImbalanceFold.restore(fold.state())
    for one, other in zip(again.fold(*rows[900:].T)[1:], fold.fold(*rows[900:].T)[1:], strict=True):
        assert one.tolist() == other.tolist()
    assert again.state() == fold.state()
    assert again.interval_ns == interval_ns


def test_a_fold_that_has_seen_nothing_is_restored_as_such():
    again = ImbalanceFold.restore(ImbalanceFold(10).state())
    assert folded(again, START).change.tolist() == [0]


def test_the_state_of_another_fold_is_refused():
    with pytest.raises(SourceError, match="order_flow_imbalance 1"):
        ImbalanceFold.restore(VwapFold(10).state())
