from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.sources.venues.moments import rfc3339_ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2023-10-06T17:35:55.440295Z", 1_696_613_755_440_295_000),
        ("2023-02-09T20:32:50.714964855Z", 1_675_974_770_714_964_855),
        ("2023-02-09T20:32:50.7149648559Z", 1_675_974_770_714_964_855),
    ],
)
def test_times_are_exact_to_the_ns(text, ns):
    assert rfc3339_ns(text) == ns


@given(st.integers(0, 4_000_000_000), st.integers(0, 999_999_999))
def test_every_ns_comes_back(seconds, rest):
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    assert rfc3339_ns(text) == seconds * 1_000_000_000 + rest


@pytest.mark.parametrize("text", ["", "yesterday", "2023-10-06", "2023-10-06T17:35:55.4x", "2" * 50, "T"])
def test_what_is_no_time_is_an_error(text):
    with pytest.raises(ValueError):
        rfc3339_ns(text)
