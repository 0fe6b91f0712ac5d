import itertools

import numpy as np
import pytest
from support.bars_oracle import joined, random_bars
from support.random_market import NOON, SECOND

from rtlab.errors import ConfigError, LocalError
from rtlab.views.bars import LEAST_KEPT, SCALES, WIDEST_STEP, Bars, interval_name, intervals

MS = SECOND // 1000


@pytest.mark.parametrize("first", [1, MS, 100 * MS, 250 * MS, SECOND, 2 * SECOND, 7 * SECOND, 3600 * SECOND])
def test_every_interval_is_a_multiple_of_the_one_before_it(first: int) -> None:
    made = intervals(first)
    assert (made[0], len(made)) == (first, SCALES)
    steps = [after / before for before, after in itertools.pairwise(made)]
    assert all(step.is_integer() and 2 <= step <= WIDEST_STEP for step in steps)


def test_seconds_go_by_the_intervals_that_people_read() -> None:
    names = ["1 s", "5 s", "15 s", "1 m", "5 m", "15 m", "1 h", "4 h", "1 d", "4 d"]
    assert [interval_name(one) for one in intervals(SECOND)] == names
    assert [interval_name(one) for one in (100 * MS, 1500 * MS, 1)] == ["100 ms", "1500 ms", "1e-06 ms"]


def test_a_bar_of_bars_has_what_all_of_them_have() -> None:
    bars = Bars(SECOND)
    minute = NOON // (60 * SECOND) * 60 * SECOND
    rows = [(0, 10, 15, 9, 12, 5), (2, 12, 30, 12, 20, 7), (4, 20, 21, 2, 3, 1), (5, 3, 4, 3, 4, 2)]
    bars.update(np.array([(minute + row[0] * SECOND, *row[1:]) for row in rows]))
    assert bars.rows(1).tolist() == [[minute, 10, 30, 2, 3, 13], [minute + 5 * SECOND, 3, 4, 3, 4, 2]]
    assert bars.rows(3).tolist() == [[minute, 10, 30, 2, 4, 15]]
    assert repr(bars) == "Bars(1 s, 4 of 20,000)"


@pytest.mark.parametrize("step", [1, 7, 500])
def test_all_scales_are_those_of_all_bars_however_they_come(step: int) -> None:
    rows, bars = random_bars(2000, holes=True), Bars(SECOND)
    for start in range(0, len(rows), step):
        part = rows[max(0, start - 3) : start + step]
        bars.update(part[::-1])
    for scale, interval in enumerate(bars.intervals):
        assert np.array_equal(bars.rows(scale), joined(rows, interval)), interval


def test_a_bar_that_changes_or_comes_late_changes_all_that_hold_it() -> None:
    rows, bars = random_bars(900), Bars(SECOND)
    bars.update(np.delete(rows, [300, 301, 302], axis=0))
    bars.update(rows[300:303])
    rows[[10, 400, 899], 1:] = [[1, 9, 1, 2, 3]] * 3
    bars.update(rows[[400, 10, 899]])
    for scale, interval in enumerate(bars.intervals):
        assert np.array_equal(bars.rows(scale), joined(rows, interval))


def test_of_two_news_of_one_bar_the_last_counts() -> None:
    bars = Bars(SECOND)
    bars.update(np.array([[NOON, 1, 1, 1, 1, 1], [NOON, 2, 2, 2, 2, 2]]))
    assert bars.rows().tolist() == [[NOON, 2, 2, 2, 2, 2]]


@pytest.mark.parametrize("keep", [1, 20, 100])
def test_each_scale_keeps_its_newest_and_stays_exact(keep: int) -> None:
    rows, bars = random_bars(3000), Bars(SECOND, keep=keep)
    for start in range(0, len(rows), 11):
        bars.update(rows[start : start + 11])
    for scale, interval in enumerate(bars.intervals):
        assert np.array_equal(bars.rows(scale), joined(rows, interval)[-keep:])
        assert bars._scales[scale]._count <= max(64, 2 * max(keep, LEAST_KEPT) + 22)


def test_what_is_older_than_all_that_is_kept_changes_nothing() -> None:
    rows, bars = random_bars(3000), Bars(SECOND, keep=20)
    bars.update(rows[:1500])
    bars.update(rows[1500:])
    before = [bars.rows(scale).copy() for scale in range(SCALES)]
    late = rows[:5].copy()
    late[:, 2] = 10**9
    bars.update(late)
    assert all(np.array_equal(bars.rows(scale), before[scale]) for scale in range(SCALES))


@pytest.mark.parametrize(
    ("seconds", "most", "scale"), [(0, 1, 0), (300, 300, 0), (301, 300, 1), (1e4, 300, 3), (1e12, 300, 9)]
)
def test_the_scale_is_the_finest_that_fits(seconds: float, most: int, scale: int) -> None:
    assert Bars(SECOND).scale_for(seconds * SECOND, most) == scale


def test_a_start_between_two_intervals_is_refused_and_nothing_changes() -> None:
    bars = Bars(SECOND)
    with pytest.raises(LocalError, match=r"begins between two: expected a multiple of 1,000,000,000 ns, got"):
        bars.update(np.array([[NOON, 1, 1, 1, 1, 1], [NOON + 5, 1, 1, 1, 1, 1]]))
    assert len(bars) == 0


@pytest.mark.parametrize(("interval", "keep"), [(0, 10), (-1, 10), (SECOND, 0)])
def test_senseless_settings_are_refused(interval: int, keep: int) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        Bars(interval, keep=keep)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (SECOND, "1 s"),
        (SECOND // 10, "100 ms"),
        (60 * SECOND, "1 m"),
        (3600 * SECOND, "1 h"),
        (90 * SECOND, "90 s"),
    ],
)
def test_the_interval_is_told_in_its_largest_whole_unit(ns: int, text: str) -> None:
    assert interval_name(ns) == text
