import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.pipelines.analytics.exact import product, running, sums, widen

whole = st.lists(st.one_of(st.integers(-100, 100), st.integers(-(2**63), 2**63 - 1)), max_size=30)


def column(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def plain_running(values: list[int], begins: list[bool], carry: int) -> list[int]:
    totals, total = [], carry
    for value, begin in zip(values, begins, strict=True):
        total = value if begin else total + value
        totals.append(total)
    return totals


def test_small_numbers_stay_narrow():
    assert widen(column([1, -5]), 10, 100).dtype == np.int64
    assert product(column([3, 4]), column([5, 6])).dtype == np.int64
    assert running(column([1, 2]), np.array([False, False]), 5).dtype == np.int64


@pytest.mark.parametrize(
    ("times", "plus", "wide"), [(1, 0, False), (2, 0, True), (1, 2**62, True), (1, 1, True)]
)
def test_numbers_are_widened_exactly_when_they_might_not_fit(times, plus, wide):
    greatest = 2**63 - 1 if (times, plus) in ((1, 0), (1, 1)) else 2**62
    assert (widen(column([0, greatest]), times, plus).dtype == object) is wide


def test_the_least_int64_counts_with_its_magnitude():
    assert widen(column([-(2**63)]), 1).dtype == object


def test_nothing_is_as_good_as_small():
    empty = column([])
    assert widen(empty, 5, 5).size == product(empty, empty).size == 0
    assert running(empty, np.array([], bool), 2**80).size == 0


@settings(deadline=None)
@given(whole, st.data())
def test_products_are_exact(left, data):
    right = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=len(left), max_size=len(left)))
    expected = [a * b for a, b in zip(left, right, strict=True)]
    assert [int(value) for value in product(column(left), column(right))] == expected


@settings(deadline=None)
@given(whole, st.data())
def test_running_sums_are_exact_from_any_carry_and_begin_again_where_told(values, data):
    begins = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    carry = data.draw(st.integers(-(2**70), 2**70) | st.integers(-9, 9))
    found = running(column(values), np.array(begins, bool), carry)
    assert [int(value) for value in found] == plain_running(values, begins, carry)


@settings(deadline=None)
@given(whole.filter(bool), st.data())
def test_sums_of_groups_are_exact(values, data):
    heads = sorted({0, *data.draw(st.lists(st.integers(0, len(values) - 1)))})
    ends = [*heads[1:], len(values)]
    expected = [sum(values[head:end]) for head, end in zip(heads, ends, strict=True)]
    assert sums(column(values), np.array(heads)) == expected


def test_sums_are_python_integers():
    assert [type(total) for total in sums(column([1, 2]), np.array([0]))] == [int]


def test_carry_goes_on_over_the_limit_of_int64():
    found = running(column([2**62, 2**62, 2**62]), np.array([False, False, True]), 2**62)
    assert found.tolist() == [2**63, 2**63 + 2**62, 2**62]
