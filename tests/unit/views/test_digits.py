from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.views.digits import Digits

STEPS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(1, 10**6),
    st.integers(-12, 6),
)


@given(STEPS, st.integers(-(10**24), 10**24))
def test_text_is_exactly_count_times_step(step: Decimal, count: int) -> None:
    text = Digits(step)(count)
    assert (
        Fraction(text.replace(",", "")) == Fraction(step) * count
    )  # a Decimal product would round at 28 digits


@given(STEPS, st.lists(st.integers(-(10**18), 10**18), min_size=2))
def test_all_texts_of_a_step_have_the_same_number_of_decimals(step: Decimal, counts: list[int]) -> None:
    digits = Digits(step)
    assert {len(digits(count).partition(".")[2]) for count in counts} == {digits.decimals}


@given(STEPS, st.integers(0, 10**18))
def test_a_negative_count_is_the_positive_one_with_a_sign(step: Decimal, count: int) -> None:
    digits = Digits(step)
    assert digits(-count).lstrip("-") == digits(count)
    assert digits(-count).startswith("-") == bool(count)


@pytest.mark.parametrize(
    ("step", "count", "text"),
    [
        ("0.10", 612_345, "61,234.5"),
        ("0.01", 5, "0.05"),
        ("0.01", -5, "-0.05"),
        ("25", 3, "75"),
        ("0.25", 3, "0.75"),
        ("1E+3", 1, "1,000"),
        ("1", 1234567, "1,234,567"),
        ("0.00000001", 1, "0.00000001"),
    ],
)
def test_texts_as_a_reader_knows_them(step: str, count: int, text: str) -> None:
    assert Digits(Decimal(step))(count) == text


def test_numbers_that_no_float_holds_are_written_to_the_last_digit() -> None:
    assert Digits(Decimal("0.001"))(12345678901234567890123) == "12,345,678,901,234,567,890.123"


def test_numpy_integers_are_counts_too() -> None:
    import numpy as np

    assert Digits(Decimal("0.1"))(np.int64(12)) == "1.2"


def test_repr_shows_an_example() -> None:
    assert repr(Digits(Decimal("0.10"))) == "Digits(decimals=1, like '123.4')"
