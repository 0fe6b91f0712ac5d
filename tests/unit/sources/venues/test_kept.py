import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import GridError
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Side
from rtlab.sources.venues.kept import KeptBook, Listing, plain

S = 1_000_000_000


def kept() -> KeptBook:
    return KeptBook(Listing("XY", Instrument("XY", "0.5", "0.001")))


def loaded() -> KeptBook:
    book = kept()
    book.load([(10, 1), (9, 2)], [(12, 3), (13, 4)], 5)
    return book


def test_levels_are_whole_ticks_and_lots_and_anything_else_is_an_error():
    assert kept().levels([("100.5", "2.5"), ("3", "0")]) == [(201, 2500), (6, 0)]
    with pytest.raises(GridError, match=r"price is off the grid.*0\.5"):
        kept().levels([("100.4", "1")])
    with pytest.raises(GridError, match="quantity is too large"):
        kept().levels([("1", "9999999999999999")])


def test_nothing_is_given_before_a_snapshot_and_then_all_of_it():
    book = loaded()
    assert book.give(1, 2, [(10, 5)], []) == []
    snapshot = book.synced(S, 7, 8)
    assert snapshot == DepthSnapshot(
        instrument="XY",
        ts_event=7,
        ts_recv=8,
        last_id=1,
        bids=[(10, 1), (9, 2)],
        asks=[(12, 3), (13, 4)],
    )
    book.apply([(10, 5)], [], 9)
    assert book.give(9, 10, [(10, 5)], []) == [
        DepthUpdate(
            instrument="XY",
            ts_event=9,
            ts_recv=10,
            first_id=2,
            last_id=2,
            prev_id=None,
            bids=[(10, 5)],
            asks=[],
        )
    ]


def test_a_stale_book_is_emptied_and_comes_back_whole_with_what_happened_meanwhile():
    book = loaded()
    book.synced(0, 0, 0)
    assert book.trust.is_over(2 * S)
    empty = book.emptied(5)
    assert (empty.bids, empty.asks, empty.last_id) == ([], [], 2)
    book.apply([(10, 0)], [], 6)
    assert book.give(6, 6, [(10, 0)], []) == []
    assert book.again(7) == []
    book.trust.proved(3 * S)
    (whole,) = book.again(8)
    assert (whole.bids, whole.asks) == ([(9, 2)], [(12, 3), (13, 4)])
    assert book.again(9) == []  # it is held


def test_a_break_while_a_snapshot_is_on_its_way_makes_that_one_useless():
    book = loaded()
    book.asking.asked(0)
    book.broke("a hole", S)
    assert (book.asking.tries, book.asking.is_out, book.trust.in_step) == (1, False, False)


def test_what_is_cut_off_is_told_as_removals():
    book = kept()
    book.load([(n, 1) for n in range(1, 6)], [(n, 1) for n in range(10, 13)], 0)
    assert book.cut(3) == ([(2, 0), (1, 0)], [])
    assert book.book.bids() == [(5, 1), (4, 1), (3, 1)]
    assert book.cut(3) == ([], [])


def test_sides_that_meet_are_crossed():
    book = loaded()
    assert not book.is_crossed
    book.apply([(12, 1)], [], 0)
    assert book.is_crossed
    assert not kept().is_crossed


def test_trades_are_given_once_and_lost_ones_are_counted():
    book = kept()
    first = book.trade(5, Side.BID, "1.5", "0.002", 3, 4)
    assert (first.price, first.qty, first.aggressor_side, first.trade_id) == (3, 2, Side.BID, 5)
    assert book.trade(5, Side.BID, "1.5", "0.002", 3, 4) is None
    assert book.trade(6, Side.ASK, "1.5", "0.002", 3, 4) is not None
    assert book.trade(9, Side.ASK, "1.5", "0.002", 3, 4) is not None
    assert (book.trades, book.trades_lost, book.trades_again) == (3, 2, 1)


def test_what_was_before_we_came_is_of_no_interest_and_what_came_since_is():
    book = kept()
    assert book.begins_at(10)
    assert not book.begins_at(12)
    assert book.follows(11, 12)
    assert book.trades_lost == 0


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("45283.50", "45283.50"),
        (b"1e-8", "0.00000001"),
        (b"1.5E-3", "0.0015"),
        ("12e2", "1200."),
        ("1.25e1", "12.5"),
        ("1.25e2", "125."),
        ("0e0", "0."),
    ],
)
def test_numbers_are_written_without_an_exponent(written, text):
    assert plain(written) == text


@pytest.mark.parametrize("text", ["1e999999999", "e5", "-1e2", "1e", "1ex", "nan1e2"])
def test_what_is_no_plain_number_is_an_error(text):
    with pytest.raises(ValueError):
        plain(text)


@given(st.integers(0, 10**12), st.integers(-12, 6))
def test_an_exponent_changes_nothing(digits, exponent):
    from decimal import Decimal

    assert Decimal(plain(f"{digits}e{exponent}")) == Decimal(digits).scaleb(exponent)
