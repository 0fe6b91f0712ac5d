import threading

import numpy as np
import pytest
from support.late_oracle import put_in
from support.m4_oracle import brute_force

from rtlab.errors import LocalError
from rtlab.views import m4
from rtlab.views.column import Column, Held
from rtlab.views.late import Touched, cut, put_in_order
from rtlab.views.pyramid import Pyramid

RANDOM = np.random.default_rng(4)


def arrivals(n: int, most: float) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(float(n)) - RANDOM.exponential(most / 4, n), RANDOM.standard_normal(n)


def held(x: list[float]) -> Held:
    return Held(np.array(x), (Column(np.array(x) * 10, m4.allocate(len(x))),), len(x))


def test_new_points_are_sorted_among_those_that_are_there():
    new = put_in_order(held([1.0, 4.0, 6.0]), np.array([5.0, 7.0, 3.0]), [np.array([50.0, 70.0, 30.0])], 5.0)
    assert new.x.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert new.y[0].tolist() == [30.0, 40.0, 50.0, 60.0, 70.0]
    assert (new.start, new.late, new.refused) == (1, 2, 0)


def test_of_equal_x_the_first_to_come_stays_first():
    new = put_in_order(held([1.0, 2.0]), np.array([1.0, 1.0]), [np.array([-1.0, -2.0])], 5.0)
    assert new.y[0].tolist() == [-1.0, -2.0, 20.0]
    assert new.start == 1


def test_points_in_order_are_written_behind_all():
    new = put_in_order(held([1.0, 2.0]), np.array([2.0, 3.0]), [np.array([0.0, 0.0])], 5.0)
    assert (new.start, new.late) == (2, 0)


def test_a_point_that_comes_too_late_is_left_out_and_counted():
    pyramid = Pyramid([0.0, 10.0], [0.0, 1.0], late=3.0)
    pyramid.append([6.9, 7.0], [2.0, 3.0])
    assert pyramid.x.tolist() == [0.0, 7.0, 10.0]
    assert pyramid.statistics()[-2:] == (1, 1)
    pyramid.append([1.0], [1.0])
    assert pyramid.statistics()[-2:] == (1, 2)


def test_without_a_window_a_late_point_is_a_fault_as_before():
    with pytest.raises(LocalError, match="x decreases at position 0"):
        Pyramid([5.0], [0.0]).append([4.0], [0.0])


@pytest.mark.parametrize(
    ("x", "y", "fault"),
    [
        ([9.0, np.nan], [0.0, 0.0], "x at position 1"),
        ([9.0, 8.0], [0.0, np.inf], "y at position 1"),
    ],
)
def test_what_cannot_be_drawn_is_still_refused_whole(x, y, fault):
    pyramid = Pyramid([5.0], [0.0], late=9.0)
    with pytest.raises(LocalError, match=fault):
        pyramid.append(x, y)
    assert pyramid.x.tolist() == [5.0]


def test_a_window_below_nothing_makes_no_sense():
    with pytest.raises(LocalError, match="late >= 0"):
        Pyramid(late=-1.0)


def test_growth_and_eviction_go_on_while_points_come_late():
    x, y = arrivals(400_000, 2000.0)
    pyramid = Pyramid(late=2000.0, age=100_000.0)
    for start in range(0, len(x), 7000):
        pyramid.append(x[start : start + 7000], y[start : start + 7000])
    statistics = pyramid.statistics()
    order = np.argsort(x, kind="stable")
    assert statistics.evicted + statistics.refused > 0
    assert statistics.late > 100_000
    n = len(pyramid)
    greatest = np.maximum.accumulate(np.r_[-np.inf, x])[:-1]
    kept = (x >= greatest - 2000.0)[order]
    assert np.array_equal(pyramid.x, x[order][kept][-n:])
    assert np.array_equal(pyramid.y, y[order][kept][-n:])
    x0, x1 = pyramid.x[0], pyramid.x[-1]
    assert np.array_equal(pyramid.view(x0, x1, 777), brute_force(pyramid.x, pyramid.y, x0, x1, 777))


def test_several_columns_stay_together():
    x, y = arrivals(3000, 50.0)
    pyramid = Pyramid(names=("a", "b"), late=1e9)
    for start in range(0, 3000, 170):
        part = slice(start, start + 170)
        pyramid.append(x[part], np.c_[y[part], -y[part]])
    in_order = put_in(x, y, 1e9)[1]
    assert np.array_equal(pyramid.values(0), in_order)
    assert np.array_equal(pyramid.values(1), -in_order)


def test_who_draws_meanwhile_sees_a_whole_series():
    pyramid, over = Pyramid(late=500.0), threading.Event()
    x, y = arrivals(60_000, 500.0)
    drawn: list[bool] = []

    def look() -> None:
        while not over.is_set():
            seen, values, *_ = pyramid.draw(np.linspace(0.0, 60_000.0, 50))
            drawn.append(bool(np.all(np.diff(seen) >= 0) and len(seen) == len(values)))

    thread = threading.Thread(target=look)
    thread.start()
    for start in range(0, len(x), 300):
        pyramid.append(x[start : start + 300], y[start : start + 300])
    over.set()
    thread.join(30)
    assert drawn
    assert all(drawn)


def test_a_column_that_is_written_anew_keeps_only_the_gaps_before():
    gaps = m4.Gaps(np.array([2, 8, 20]), np.array([4, 12, 25]), 3)
    column = cut(Column(np.zeros(30), m4.allocate(30), gaps), 10)
    assert column.gaps.number == 2
    assert column.gaps.starts[:2].tolist() == [2, 8]
    assert column.gaps.ends[:2].tolist() == [4, 10]
    assert gaps.ends.tolist() == [4, 12, 25]
    assert cut(column, 1).gaps.number == 0


def test_since_when_which_x_changed():
    touched = Touched()
    assert touched.since(0) == np.inf
    touched.add(10, 5.0)
    touched.add(20, 9.0)
    assert [touched.since(total) for total in (9, 10, 19, 20)] == [5.0, 9.0, 9.0, np.inf]


def test_what_changed_too_long_ago_is_taken_for_all():
    touched = Touched()
    for total in range(1, 400):
        touched.add(total, float(total))
    assert touched.since(100) == -np.inf
    assert touched.since(390) == 391.0
