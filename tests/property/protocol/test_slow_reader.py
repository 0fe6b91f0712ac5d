"""What the ladder promises a slow reader, and all others, in simulated time."""

import pytest
from property.protocol.slow_link import simulate

from rtlab.protocol import Limits


@pytest.mark.parametrize(("rate", "delay_ms"), [(3000, 1), (3000, 50), (6000, 1), (12_000, 1)])
def test_a_slow_reader_is_never_far_behind(rate, delay_ms):
    seen = simulate(rate=rate, seconds=25, delay_ms=delay_ms)
    assert seen.book_p99 <= 1200
    assert seen.trades_p99 <= 1200
    assert seen.most_waiting < max(4096, rate)  # not a second of what it takes
    assert {"LAGGING", "DEGRADED"} <= seen.states
    assert seen.merged > 1000
    assert (
        seen.given + seen.dropped >= seen.trades - 1000
    )  # told, or known to be dropped, but for what is on the way


def test_a_quick_reader_sees_everything_at_once_and_is_never_lagging():
    seen = simulate(rate=10**6, seconds=8)
    assert seen.book_p99 <= 10
    assert (seen.dropped, seen.merged, seen.states) == (0, 0, {"LIVE"})


@pytest.mark.parametrize("pause_ms", [200, 500])
def test_a_short_pause_of_a_quick_reader_loses_no_trade(pause_ms):
    seen = simulate(rate=10**6, seconds=12, sleeps=lambda ms: 6000 <= ms < 6000 + pause_ms)
    assert (seen.dropped, seen.merged, seen.states) == (0, 0, {"LIVE"})
    assert seen.trades - seen.given < 100


def test_after_a_long_pause_the_newest_comes_first_and_what_was_dropped_is_known():
    seen = simulate(rate=10**6, seconds=12, sleeps=lambda ms: 6000 <= ms < 7500)
    assert seen.states == {"LIVE", "LAGGING"}
    assert seen.merged > 0
    assert seen.trades - 100 < seen.given + seen.dropped <= seen.trades


def test_a_long_way_is_not_taken_for_a_slow_reader():
    seen = simulate(rate=10**6, seconds=10, delay_ms=200)
    assert (seen.dropped, seen.states) == (0, {"LIVE"})
    assert seen.book_p50 < 220


def test_a_reader_that_stops_for_good_is_given_up_and_owed_a_bounded_number_of_bytes():
    seen = simulate(rate=10**6, seconds=15, sleeps=lambda ms: ms > 2000, limits=Limits(evict_after_s=5))
    assert seen.closing[0] == 4008
    assert "retry in" in seen.closing[1]
    assert seen.most_waiting <= 65536 + 8192
