"""The limits leave room for every sum that the engine forms."""

from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SPAN
from rtlab.engine.storage import LARGEST_WINDOW, SMALLEST_WINDOW

LARGEST = (1 << 63) - 1


def test_two_largest_levels_together_fit_into_an_int64() -> None:
    # `reach` stops once it has `qty`: what it holds then is below MAX_QTY plus one level
    assert (MAX_QTY - 1) + MAX_QTY <= LARGEST


def test_a_window_around_the_highest_price_fits_into_an_int64() -> None:
    assert MAX_PRICE + LARGEST_WINDOW <= LARGEST


def test_the_largest_window_holds_any_span_with_room_to_drift() -> None:
    assert LARGEST_WINDOW >= 2 * SPAN
    assert LARGEST_WINDOW & (LARGEST_WINDOW - 1) == 0
    assert SMALLEST_WINDOW & (SMALLEST_WINDOW - 1) == 0
    assert SMALLEST_WINDOW <= SPAN
