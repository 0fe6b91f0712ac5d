from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rtlab.protocol.pace import Pace

SECOND = 1_000_000_000


def test_a_burst_comes_at_once_and_then_one_at_a_time():
    pace = Pace(10, 3)
    assert [pace.take(SECOND) for _ in range(4)] == [0, 0, 0, SECOND // 10]
    assert pace.take(SECOND + SECOND // 10) == 0
    assert pace.take(SECOND + SECOND // 10) == SECOND // 10


def test_who_is_quiet_for_long_saves_no_more_than_the_burst():
    pace = Pace(10, 3)
    pace.take(0)
    assert sum(pace.take(1000 * SECOND) == 0 for _ in range(10)) == 3


def test_who_asks_too_early_is_told_when_and_then_it_is_true():
    pace = Pace(4, 1)
    assert pace.take(0) == 0
    early = pace.take(100)
    assert pace.take(100 + early - 1) == 1
    assert pace.take(100 + early) == 0


def test_booked_places_are_one_step_apart():
    pace = Pace(1000, 2)
    assert [pace.book(0) for _ in range(5)] == [0, 0, 1_000_000, 2_000_000, 3_000_000]


@given(
    st.integers(1, 50), st.integers(1, 20), st.lists(st.integers(0, SECOND // 5), min_size=1, max_size=200)
)
def test_it_lets_in_exactly_what_a_bucket_of_tokens_does(per_s, burst, pauses):
    pace, tokens, now = Pace(per_s, burst), Fraction(burst), 0
    step = round(SECOND / per_s)
    for pause in pauses:
        now += pause
        tokens = min(Fraction(burst), tokens + Fraction(pause, step))
        let_in = tokens >= 1
        assert (pace.take(now) == 0) is let_in
        tokens -= let_in
