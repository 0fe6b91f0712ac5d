import numpy as np
import pytest

from rtlab.errors import LocalError
from rtlab.views import checked


@pytest.mark.parametrize("values", [[1, 2], (1.0, 2.0), np.array([True, False]), np.arange(2, dtype="u1"), 7])
def test_numbers_of_any_kind_are_one_column_of_floats(values):
    read = checked.numbers(values, "x")
    assert (read.dtype, read.ndim) == (np.float64, 1)
    assert read.tolist() == np.atleast_1d(values).tolist()


@pytest.mark.parametrize("values", [["a"], [[1, 2], [3, 4]], [None], [1 + 2j]])
def test_what_is_no_column_of_numbers_is_the_callers_fault(values):
    with pytest.raises(LocalError, match="the caller's price cannot be drawn: expected numbers in one dim"):
        checked.numbers(values, "price")


def test_columns_come_by_name_or_by_place():
    table = np.arange(6.0).reshape(3, 2)
    for given in (table, {"b": table[:, 1], "a": table[:, 0], "more": ["text"]}):
        assert [one.tolist() for one in checked.columns(given, ("a", "b"))] == [[0, 2, 4], [1, 3, 5]]
    assert checked.columns([1, 2], ("a",))[0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": [1]}, "a column of the caller's vanished: expected a, b, got no b"),
        ([1, 2], r"expected shape \(points, 2\): a, b, got shape \(2,\)"),
        (np.ones((4, 3)), r"got shape \(4, 3\)"),
    ],
)
def test_other_columns_than_those_that_are_named_are_refused(given, message):
    with pytest.raises(LocalError, match=message):
        checked.columns(given, ("a", "b"))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([5.0], [1.0], "x decreases at position 0: expected x >= 9.0, got 5.0"),
        ([9.0, 8.5], [1.0, 1.0], "x decreases at position 1: expected x >= 9.0, got 8.5"),
        ([9.0, np.nan], [1.0, 1.0], "x at position 1 cannot be drawn: expected a finite number, got nan"),
        ([9.0], [-np.inf], "b at position 0 cannot be drawn: expected a finite number, or nan for a gap"),
        ([9.0], [1.0, 2.0], "expected as many x as y, got 1 and 2"),
    ],
)
def test_the_first_fault_is_told_with_its_place(x, y, message):
    xs, good, bad = np.array(x), np.ones(len(x)), np.array(y)
    with pytest.raises(LocalError, match=message):
        checked.check(xs, [good, bad], ("a", "b"), 9.0, is_ordered=True)


def test_where_points_may_come_late_order_is_no_fault():
    x = np.array([5.0, 3.0])
    checked.check(x, [np.array([np.nan, 1.0])], ("y",), 9.0, is_ordered=False)
    with pytest.raises(LocalError, match="x at position 1"):
        checked.check(np.array([5.0, np.inf]), [x], ("y",), 9.0, is_ordered=False)
