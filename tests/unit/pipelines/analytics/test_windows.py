from itertools import chain

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.pipelines.analytics.windows import Windows

times = st.lists(st.integers(-50, 200), min_size=1, max_size=40)


def placed(windows: Windows, ts: list[int]) -> tuple[list[int], list[int], list[bool]]:
    kept, start, begins = windows.place(np.array(ts, np.int64))
    return np.arange(len(ts))[kept].tolist(), start.tolist(), begins.tolist()


def plain(ts: list[int], interval: int, newest: int | None) -> list[tuple[int, int, bool]]:
    rows = []
    for number, time in enumerate(ts):
        start = time // interval * interval
        if newest is None or start >= newest:
            rows.append((number, start, start != newest))
            newest = start
    return rows


def test_rows_are_placed_by_the_start_of_their_window():
    windows = Windows(10)
    assert placed(windows, [3, 9, 10, 25]) == ([0, 1, 2, 3], [0, 0, 10, 20], [True, False, True, True])
    assert (windows.newest, windows.left_out) == (20, 0)


def test_a_window_goes_on_in_the_next_batch():
    windows = Windows(10)
    placed(windows, [3])
    assert placed(windows, [4, 11]) == ([0, 1], [0, 10], [False, True])


def test_a_row_before_the_open_window_is_late_and_counted():
    windows = Windows(10)
    placed(windows, [25])
    assert placed(windows, [19, 20, 5]) == ([1], [20], [False])
    assert windows.left_out == 2


def test_rows_out_of_order_within_the_open_window_are_not_late():
    windows = Windows(10)
    assert placed(windows, [9, 1, 5]) == ([0, 1, 2], [0, 0, 0], [True, False, False])
    assert windows.left_out == 0


def test_lateness_begins_within_a_batch():
    windows = Windows(10)
    assert placed(windows, [5, 15, 6, 16]) == ([0, 1, 3], [0, 10, 10], [True, True, False])
    assert windows.left_out == 1


def test_a_batch_of_late_rows_changes_nothing_but_the_count():
    windows = Windows(10)
    placed(windows, [100])
    assert placed(windows, [1, 2, 3]) == ([], [], [])
    assert (windows.newest, windows.left_out) == (100, 3)


def test_times_before_1970_are_placed_as_well():
    assert placed(Windows(10), [-15, -1, 0])[1] == [-20, -10, 0]


def test_one_window_that_never_ends_takes_every_row():
    windows = Windows(0)
    assert placed(windows, [50, -3, 10**18]) == ([0, 1, 2], [0, 0, 0], [True, False, False])
    assert placed(windows, [1]) == ([0], [0], [False])
    assert windows.left_out == 0


def test_windows_go_on_from_what_they_were():
    windows = Windows(10, newest=30, left_out=4)
    assert placed(windows, [29, 39]) == ([1], [30], [False])
    assert windows.left_out == 5


@settings(deadline=None)
@given(times, st.integers(1, 60), st.none() | st.integers(-5, 5))
def test_placing_equals_going_row_by_row(ts, interval, newest):
    start = None if newest is None else newest * interval
    windows = Windows(interval, start)
    expected = plain(ts, interval, start)
    assert list(zip(*placed(windows, ts), strict=True)) == expected
    assert windows.left_out == len(ts) - len(expected)


@settings(deadline=None)
@given(times, st.integers(0, 60), st.integers(0, 40))
def test_where_a_batch_is_cut_makes_no_difference(ts, interval, point):
    whole, parts = Windows(interval), Windows(interval)
    expected = placed(whole, ts)[1:]
    halves = [placed(parts, half)[1:] for half in (ts[:point], ts[point:]) if half]
    assert tuple(list(chain(*columns)) for columns in zip(*halves, strict=True)) == expected
    assert (parts.newest, parts.left_out) == (whole.newest, whole.left_out)
