import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.client.backoff import CAP_S, FIRST_S, Backoff, retry_hint_s


@given(seed=st.integers(), tries=st.integers(1, 200))
def test_delays_are_a_part_of_a_time_that_doubles_up_to_the_cap(seed, tries):
    backoff = Backoff(seed=seed)
    for attempt in range(tries):
        assert 0 <= backoff.delay_s() <= min(CAP_S, FIRST_S * 2**attempt)


@given(seed=st.integers(), hint=st.floats(0, 100), tries=st.integers(0, 30))
def test_the_servers_hint_is_never_undercut_and_the_jitter_comes_on_top(seed, hint, tries):
    backoff = Backoff(seed=seed)
    for _ in range(tries):
        backoff.delay_s()
    assert hint <= backoff.delay_s(hint) <= hint + max(hint, CAP_S)


def most_in(width_s: float, delays: list[float]) -> int:
    return max(sum(start <= delay < start + width_s for delay in delays) for start in delays)


def test_a_thousand_readers_that_were_told_the_same_do_not_come_back_at_once():
    delays = sorted(Backoff(seed=seed).delay_s(hint_s=5.0) for seed in range(1000))
    assert 5.0 <= delays[0] < delays[-1] <= 10.0
    assert most_in(0.1, delays) < 50


def test_a_thousand_readers_whose_tries_fail_fill_the_whole_time_evenly():
    delays = []
    for seed in range(1000):
        backoff = Backoff(seed=seed)
        delays.append([backoff.delay_s() for _ in range(8)][-1])
    assert most_in(0.5, sorted(delays)) < 150  # a tenth of 5 s holds about a tenth of them
    assert min(delays) < 0.1 * CAP_S
    assert max(delays) > 0.9 * CAP_S


def test_after_a_reset_the_shortest_delay_comes_again():
    backoff = Backoff(seed=1)
    for _ in range(12):
        backoff.delay_s()
    backoff.reset()
    assert backoff.delay_s() <= FIRST_S


def test_two_backoffs_of_one_seed_wait_alike_and_without_seeds_they_do_not():
    one, two = Backoff(seed=7), Backoff(seed=7)
    assert [one.delay_s() for _ in range(9)] == [two.delay_s() for _ in range(9)]
    one, two = Backoff(), Backoff()
    assert [one.delay_s() for _ in range(9)] != [two.delay_s() for _ in range(9)]


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("too slow; retry in 5 s", 5.0),
        ("restarting, retry in 0.25 s", 0.25),
        ("retry in 3s", 3.0),
        ("retry in -3 s", None),
        ("retry in a while", None),
        ("", None),
    ],
)
def test_the_hint_is_read_from_the_reason_of_a_close(reason, hint):
    assert retry_hint_s(reason) == hint
