import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.errors import ConfigError
from rtlab.pipelines.interval import LONGEST_NS, NANOSECONDS, interval_ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1ns", 1),
        ("5us", 5_000),
        ("100ms", 100_000_000),
        ("1s", 1_000_000_000),
        ("15 s", 15_000_000_000),
        (" 1m ", 60_000_000_000),
        ("5min", 300_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        ("366d", LONGEST_NS),
    ],
)
def test_a_number_and_a_unit_are_an_interval(text, ns):
    assert interval_ns(text) == ns


def test_whole_nanoseconds_are_taken_as_they_are():
    assert interval_ns(1_000_000) == 1_000_000


@pytest.mark.parametrize("number", [1, 60, 86_400, 999_999])
def test_few_nanoseconds_without_a_unit_are_refused_for_seconds_are_meant(number):
    with pytest.raises(ConfigError, match=f"in ns.*expected a unit, as '{number}s'.*got {number}$"):
        interval_ns(number)
    assert interval_ns(f"{number}ns") == number


@pytest.mark.parametrize(
    "text",
    ["", "s", "1", "1.5s", "-1s", "1 second", "1S", "1M", "s1", "1s1s", "1s\n1", "٣s", "1  s", "1e3ms", "🙂"],
)
def test_any_other_text_is_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="100ms") as caught:
        interval_ns(text)
    assert caught.value.got == repr(text)


@pytest.mark.parametrize("value", [None, 1.0, True, [], b"1s"])
def test_what_is_no_text_and_no_integer_is_refused(value):
    with pytest.raises(ConfigError, match="not understood"):
        interval_ns(value)


@pytest.mark.parametrize("value", ["0s", 0, -1, "367d", LONGEST_NS + 1, "9" * 20 + "d"])
def test_no_length_and_too_long_are_out_of_range(value):
    with pytest.raises(ConfigError, match="out of range"):
        interval_ns(value)


@settings(deadline=None)
@given(st.integers(1, 366), st.sampled_from(sorted(NANOSECONDS)))
def test_length_is_number_times_unit(number, unit):
    assert interval_ns(f"{number}{unit}") == number * NANOSECONDS[unit]


@settings(deadline=None)
@given(st.text(max_size=8))
def test_no_text_makes_anything_but_an_interval_or_a_clear_refusal(text):
    with contextlib.suppress(ConfigError):
        assert 0 < interval_ns(text) <= LONGEST_NS
