import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.client.backoff import CAP_S, FIRST_S, Backoff, retry_hint_s


@given(seed=st.integers())
def test_the_first_try_comes_within_a_tenth_of_a_second(seed):
    assert 0.5 * FIRST_S <= Backoff(seed=seed).delay_s() <= 1.5 * FIRST_S <= 0.1


@given(seed=st.integers(), tries=st.integers(1, 200))
def test_delays_double_within_their_jitter_and_never_pass_the_cap(seed, tries):
    backoff = Backoff(seed=seed)
    for attempt in range(tries):
        plain = min(CAP_S, FIRST_S * 2**attempt)
        assert 0.5 * plain <= backoff.delay_s() <= 1.5 * plain


@given(seed=st.integers(), hint=st.floats(0, 100), tries=st.integers(0, 30))
def test_the_servers_hint_is_never_undercut_and_spread_by_at_most_a_half(seed, hint, tries):
    backoff = Backoff(seed=seed)
    for _ in range(tries):
        backoff.delay_s()
    assert hint <= backoff.delay_s(hint) <= max(1.5 * hint, 1.5 * CAP_S)


def test_a_thousand_readers_do_not_come_back_at_once():
    delays = sorted(Backoff(seed=seed).delay_s(hint_s=5.0) for seed in range(1000))
    assert all(5.0 <= delay <= 7.5 for delay in delays)
    in_any_tenth_of_a_second = max(sum(start <= d < start + 0.1 for d in delays) for start in delays)
    assert in_any_tenth_of_a_second < 100


def test_after_a_reset_the_shortest_delay_comes_again():
    backoff = Backoff(seed=1)
    for _ in range(12):
        backoff.delay_s()
    backoff.reset()
    assert backoff.delay_s() <= 1.5 * FIRST_S


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
