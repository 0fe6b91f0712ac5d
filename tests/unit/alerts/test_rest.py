from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.alerts import Rest, Said
from rtlab.errors import ConfigError

WIDE = Said("BTC-USD has a spread of 1.0", "1.0")
WIDER = Said("BTC-USD has a spread of 2.0", "2.0")


def test_the_first_is_told_at_once():
    assert Rest(10.0).take(WIDE, 5.0) == WIDE


def test_what_comes_too_soon_is_told_as_one_when_the_rest_is_over_with_how_often():
    rest = Rest(10.0)
    rest.take(WIDE, 0.0)
    assert [rest.take(one, now) for one, now in ((WIDE, 1.0), (WIDE, 2.0), (WIDER, 9.9))] == [None] * 3
    assert rest.take(None, 9.99) is None
    assert rest.take(None, 10.0) == Said("BTC-USD has a spread of 2.0, 3 times in 10 s", "2.0")
    assert rest.merged == 2
    assert rest.take(None, 30.0) is None


def test_one_that_came_too_soon_is_told_later_as_it_is():
    rest = Rest(10.0)
    rest.take(WIDE, 0.0)
    rest.take(WIDER, 1.0)
    assert rest.take(None, 10.0) == WIDER


def test_after_a_long_silence_it_is_told_at_once_again():
    rest = Rest(10.0)
    rest.take(WIDE, 0.0)
    assert rest.take(WIDER, 11.0) == WIDER


def test_what_waits_is_told_when_the_rest_is_ended():
    rest = Rest(10.0)
    assert (rest.take(WIDE, 0.0), rest.take(WIDER, 1.0)) == (WIDE, None)
    assert (rest.over(2.0), rest.over(3.0)) == (WIDER, None)


def test_without_a_rest_all_are_told():
    rest = Rest(0.0)
    assert [rest.take(WIDE, 1.0) for _ in range(3)] == [WIDE] * 3
    assert rest.merged == 0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 3.0)), max_size=60), st.floats(0.1, 5.0))
def test_alerts_keep_their_distance_and_each_is_told_merged_or_waits(steps, rest_s):
    rest, now, told = Rest(rest_s), 0.0, list[float]()
    for speaks, pause in steps:
        now += pause
        if rest.take(WIDE if speaks else None, now) is not None:
            told.append(now)
    assert all(later - earlier >= rest_s for earlier, later in pairwise(told))
    waits = rest.take(None, now + 2 * rest_s) is not None
    assert len(told) + rest.merged + waits == sum(speaks for speaks, _ in steps)


@pytest.mark.parametrize("rest_s", ["2", -1, float("nan"), []])
def test_a_rest_is_a_number_of_seconds(rest_s):
    with pytest.raises(ConfigError, match="expected seconds, 0 or more, got"):
        Rest(rest_s)
