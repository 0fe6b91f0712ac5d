import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.align import Aligner


def rows(*times: int) -> np.ndarray:
    return np.array([(ts, number) for number, ts in enumerate(times)], np.int64).reshape(-1, 2)


def test_a_single_leg_waits_for_its_lateness():
    aligner = Aligner(1, 2, lateness_ns=10)
    assert aligner.take(0, rows(100, 95)).rows[:, 0].tolist() == []
    assert aligner.take(0, rows(105)).rows[:, 0].tolist() == [95]
    assert aligner.take(0, rows(94)).rows.tolist() == []
    assert (aligner.late, aligner.waiting) == (1, 2)
    assert aligner.finish().rows[:, 0].tolist() == [100, 105]


def test_rows_wait_until_every_leg_has_passed_them():
    aligner = Aligner(2, 2)
    assert not len(aligner.take(0, rows(1, 5, 9)).rows)
    released = aligner.take(1, rows(5))
    assert released.rows[:, 0].tolist() == [1, 5, 5]
    assert released.leg.tolist() == [0, 0, 1]
    assert not len(aligner.take(1, rows(5)).rows[1:])
    assert aligner.take(1, rows(20)).rows[:, 0].tolist() == [9]


def test_beyond_the_limit_the_oldest_are_forced_out_and_what_comes_behind_them_is_late():
    aligner = Aligner(2, 2, limit=3)
    released = aligner.take(0, rows(1, 2, 3, 4, 5))
    assert released.rows[:, 0].tolist() == [1, 2]
    assert aligner.forced == 2
    assert aligner.waiting == 3
    aligner.take(1, rows(1, 2))
    assert aligner.late == 1


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="lateness"):
        Aligner(1, 1, -1)
    with pytest.raises(ConfigError, match="limit"):
        Aligner(1, 1, limit=0)


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(0, 20))
def test_of_a_single_leg_all_that_is_in_time_comes_out_sorted_and_the_rest_is_counted(times, lateness):
    aligner, newest, kept = Aligner(1, 2, lateness), None, []
    for number, ts in enumerate(times):
        if newest is None or ts >= newest - lateness:
            kept.append((ts, number))
        newest = ts if newest is None else max(newest, ts)
    out = [*aligner.take(0, rows(*times)).rows.tolist(), *aligner.finish().rows.tolist()]
    assert out == [list(one) for one in sorted(kept)]
    assert aligner.late == len(times) - len(kept)
