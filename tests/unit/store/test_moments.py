from datetime import UTC, datetime, timedelta, timezone

import pytest

from rtlab.errors import ConfigError
from rtlab.store.moments import ns_of, span_ns, text_of


@pytest.mark.parametrize(
    "moment",
    [
        "2024-08-09T01:02:03.000004",
        "2024-08-09T03:02:03.000004+02:00",
        datetime(2024, 8, 9, 1, 2, 3, 4),
        datetime(2024, 8, 9, 1, 2, 3, 4, UTC),
        datetime(2024, 8, 8, 20, 2, 3, 4, timezone(timedelta(hours=-5))),
        1_723_165_323_000_004_000,
    ],
)
def test_a_moment_is_the_same_however_it_is_written(moment):
    assert ns_of(moment) == 1_723_165_323_000_004_000


def test_spans_are_read_exactly():
    spans = ["100ms", "30s", "5m", "1h", "7d", timedelta(microseconds=3)]
    assert [span_ns(one) for one in spans] == [
        10**8,
        3 * 10**10,
        3 * 10**11,
        36 * 10**11,
        6048 * 10**11,
        3000,
    ]


@pytest.mark.parametrize("text", ["", "5", "h", "1.5h", "-1s", "5 m", "1week", "2024"])
def test_what_is_no_span_is_one_clear_error(text):
    with pytest.raises(ConfigError, match="this is no span of time: expected as 100ms"):
        span_ns(text)


def test_what_is_no_moment_is_one_clear_error():
    with pytest.raises(
        ConfigError, match="this is no moment: expected ns, or as 2024-08-09T12:00:00, got noon"
    ):
        ns_of("noon")


@pytest.mark.parametrize("ns", [0, 1_723_165_323_004_000_000, -1_000_000])
def test_a_moment_that_is_written_is_read_again(ns):
    assert ns_of(text_of(ns)) == ns
