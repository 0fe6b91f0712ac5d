import numpy as np
import pytest

from rtlab.errors import DataError
from rtlab.views.epochs import in_milliseconds, unit_of

START = 1_700_000_000


@pytest.mark.parametrize(("unit", "second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("kind", [np.int64, np.float64, np.uint64])
def test_numbers_that_could_be_times_are_known_by_their_size_and_become_milliseconds(unit, second, kind):
    values = ((START + np.arange(5)) * second).astype(kind)
    assert unit_of(values) == unit
    assert in_milliseconds(values, unit).tolist() == [(START + i) * 1000.0 for i in range(5)]


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1, 2, 3],
        [START, START - 1, START + 5],
        [START, 10**15],
        [1.5, np.nan],
        ["a"],
        [-START],
        [10**9 * 5],
    ],
)
def test_other_numbers_are_no_times(values):
    assert unit_of(np.array(values)) is None


def test_whole_microseconds_and_nanoseconds_lose_nothing_that_a_millisecond_can_tell():
    ns = np.array([START * 10**9 + 123_456_789])
    assert in_milliseconds(ns, "ns")[0] == START * 1000 + 123.456789
    assert in_milliseconds(ns // 1000, "us")[0] == START * 1000 + 123.456
    assert in_milliseconds(np.array([START + 0.25]), "s")[0] == START * 1000 + 250


@pytest.mark.parametrize(
    ("values", "unit", "message"),
    [
        (
            [np.nan, START * 1e3],
            "s",
            r'with x_unit="s" x would be in the year 5\d,\d{3}: expected times before the year 10,000, got .* at 1',
        ),
        ([START * 1000], "s", 'expected x_unit="ms", got'),
        ([1], "minutes", "there is no such unit of x: expected s, ms, us, ns, got minutes"),
        (["a"], "s", "x is no number of s: expected numbers in one dimension"),
        ([[1], [2]], "ms", "x is no number of ms"),
    ],
)
def test_what_cannot_be_a_time_is_refused(values, unit, message):
    with pytest.raises(DataError, match=message):
        in_milliseconds(np.array(values), unit)
