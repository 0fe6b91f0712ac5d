import pytest

from rtlab.model import Quote
from rtlab.sources.oracle import Difference, QuoteOracle

GOOD = ((100, 1), (101, 2))
BAD = ((100, 1), (101, 3))


def quote(update_id: int) -> Quote:
    return Quote(
        instrument="X", ts_event=0, ts_recv=0, update_id=update_id, bid=100, bid_qty=1, ask=101, ask_qty=2
    )


@pytest.fixture
def oracle() -> QuoteOracle:
    return QuoteOracle()


def counts(oracle: QuoteOracle) -> tuple[int, int, int, int, int]:
    return oracle.statistics()[:5]


def test_a_quote_before_its_update_is_compared(oracle: QuoteOracle) -> None:
    oracle.quote(quote(7))
    oracle.reached(7, 3)
    assert counts(oracle) == (1, 0, 0, 0, 1)
    oracle.observe(3, *GOOD)
    assert counts(oracle) == (1, 1, 0, 0, 0)


def test_a_quote_after_its_update_is_compared(oracle: QuoteOracle) -> None:
    oracle.reached(7, 3)
    oracle.observe(3, *GOOD)
    oracle.reached(9, 5)
    oracle.observe(5, *BAD)
    assert counts(oracle) == (0, 0, 0, 0, 0)
    oracle.quote(quote(7))
    assert counts(oracle) == (1, 1, 0, 0, 0)


def test_a_quote_between_update_and_reader_is_compared(oracle: QuoteOracle) -> None:
    oracle.reached(7, 3)
    oracle.quote(quote(7))
    assert oracle.next_seq == 3
    oracle.observe(3, *GOOD)
    assert counts(oracle) == (1, 1, 0, 0, 0)
    assert oracle.next_seq is None


def test_a_book_that_shows_something_else_is_told_with_what_was_quoted(oracle: QuoteOracle) -> None:
    oracle.quote(quote(7))
    oracle.reached(7, 3)
    oracle.observe(3, *BAD)
    assert counts(oracle) == (1, 0, 1, 0, 0)
    assert list(oracle.differences) == [Difference(7, 3, GOOD, BAD)]


def test_an_empty_side_differs_from_every_quote(oracle: QuoteOracle) -> None:
    oracle.quote(quote(7))
    oracle.reached(7, 3)
    oracle.observe(3, None, (101, 2))
    assert counts(oracle) == (1, 0, 1, 0, 0)


def test_ids_that_meet_no_other_are_no_points(oracle: QuoteOracle) -> None:
    for update_id in (1, 3, 5):
        oracle.quote(quote(update_id))
    for update_id, seq in ((2, 1), (4, 2), (6, 3)):
        oracle.reached(update_id, seq)
        oracle.observe(seq, *BAD)
    assert counts(oracle) == (0, 0, 0, 0, 0)


def test_a_reader_that_jumps_over_a_point_has_skipped_it(oracle: QuoteOracle) -> None:
    for update_id, seq in ((7, 3), (8, 4), (9, 6)):
        oracle.quote(quote(update_id))
        oracle.reached(update_id, seq)
    oracle.observe(6, *GOOD)
    assert counts(oracle) == (3, 1, 0, 2, 0)


def test_a_quote_that_comes_when_the_reader_has_jumped_is_skipped(oracle: QuoteOracle) -> None:
    oracle.reached(7, 3)
    oracle.reached(8, 5)
    oracle.observe(5, *GOOD)
    oracle.quote(quote(7))
    assert counts(oracle) == (1, 0, 0, 1, 0)
    oracle.quote(quote(8))
    assert counts(oracle) == (2, 1, 0, 1, 0)


def test_updates_that_change_nothing_share_a_state(oracle: QuoteOracle) -> None:
    oracle.reached(7, 3)
    oracle.observe(3, *GOOD)
    oracle.reached(8, 3)
    oracle.reached(9, 3)
    for update_id in (7, 8, 9):
        oracle.quote(quote(update_id))
    assert counts(oracle) == (3, 3, 0, 0, 0)


def test_two_quotes_of_one_id_are_two_points(oracle: QuoteOracle) -> None:
    oracle.quote(quote(7))
    oracle.reached(7, 3)
    oracle.quote(quote(7))
    oracle.observe(3, *GOOD)
    assert counts(oracle) == (2, 2, 0, 0, 0)


def test_a_reader_far_behind_leaves_points_waiting(oracle: QuoteOracle) -> None:
    for update_id in range(10):
        oracle.quote(quote(update_id))
        oracle.reached(update_id, update_id)
    assert counts(oracle) == (10, 0, 0, 0, 10)
    assert oracle.next_seq == 0


def test_a_full_oracle_forgets_the_oldest_and_says_so() -> None:
    oracle = QuoteOracle(limit=3)
    for update_id in range(5):
        oracle.reached(update_id, update_id)
    assert oracle.statistics().forgotten == 2
    for update_id in range(5):
        oracle.quote(quote(update_id))
    assert counts(oracle) == (3, 0, 0, 0, 3)


def test_quotes_without_a_book_are_forgotten_and_told() -> None:
    oracle = QuoteOracle(limit=3)
    for update_id in range(5):
        oracle.quote(quote(update_id))
    assert oracle.statistics().forgotten == 2


def test_points_that_no_reader_comes_to_are_skipped_when_there_are_too_many() -> None:
    oracle = QuoteOracle(limit=3)
    for update_id in range(5):
        oracle.quote(quote(update_id))
        oracle.reached(update_id, update_id)
    assert counts(oracle) == (5, 0, 0, 2, 3)
