import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.errors import ConfigError
from rtlab.pipelines.clock import FrameClock


def test_the_first_frame_is_due_at_once():
    assert FrameClock(30).wait(12345.6) == 0


def test_the_next_frame_is_due_a_period_later():
    clock = FrameClock(10)
    clock.tick(5.0)
    assert clock.wait(5.0) == pytest.approx(0.1)
    assert clock.wait(5.06) == pytest.approx(0.04)
    assert clock.wait(5.1) == pytest.approx(0)
    assert clock.wait(9.0) == 0


def test_frames_that_are_a_little_late_do_not_shift_the_grid():
    clock = FrameClock(10)
    clock.tick(0.0)
    for number in range(1, 50):
        clock.tick(number * 0.1 + 0.03)
        assert clock.wait(number * 0.1 + 0.03) == pytest.approx(0.07)


def test_after_a_pause_the_grid_begins_anew_and_nothing_is_made_up_for():
    clock = FrameClock(10)
    clock.tick(0.0)
    clock.tick(7.77)
    assert clock.wait(7.77) == pytest.approx(0.1)


@pytest.mark.parametrize("hz", [0, -1, 1001, math.nan, math.inf])
def test_a_rate_that_makes_no_sense_is_refused(hz):
    with pytest.raises(ConfigError, match="out of range"):
        FrameClock(hz)


@settings(deadline=None)
@given(st.floats(0.5, 240), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_there_are_never_more_frames_than_ticks(hz, pauses):
    clock, now, frames = FrameClock(hz), 100.0, 0
    for pause in pauses:
        now += pause / hz
        if clock.wait(now) == 0:
            clock.tick(now)
            frames += 1
    assert frames <= (now - 100.0) * hz + 2


@settings(deadline=None)
@given(st.floats(1, 240), st.lists(st.floats(0, 0.9), min_size=5, max_size=200))
def test_under_load_every_tick_has_its_frame_however_late_each_is(hz, lateness):
    clock, now = FrameClock(hz), 0.0
    clock.tick(now)
    for number, late in enumerate(lateness, 1):
        now = number / hz + late / hz
        assert clock.wait(now) <= 1e-9
        clock.tick(now)
