import gc
import weakref

import numpy as np
import pytest
from support.m4_oracle import brute_force, brute_force_edges

from rtlab.errors import LocalError
from rtlab.views.pyramid import Pyramid, edges_of
from rtlab.views.viewport import MARGIN, Cuts, Moving, News, cuts_of, fitted, joined, window

RANDOM = np.random.default_rng(5)


class Screen:
    """What the browser does with news, the plain way."""

    def __init__(self) -> None:
        self.x, self.y = np.empty(0), np.empty(0)
        self.kept = 0
        self.window = (0.0, 0.0)

    def take(self, news: News) -> None:
        x, y = self.x[: self.kept], self.y[: self.kept]
        if news.whole:
            x, y = x[:0], y[:0]
        cut = max(0, int(np.searchsorted(x, news.x0)) - 1)
        x, y = np.r_[x[cut:], news.closed[0].x], np.r_[y[cut:], news.closed[0].y]
        self.kept = len(x)
        self.x, self.y = np.r_[x, news.open[0].x], np.r_[y, news.open[0].y]
        self.window = (news.x0, news.x1)


def visible(x0, x1, x, y):
    """The y range of a window on a series, drawn from all of its points."""
    pyramid = Pyramid(x, y)
    return window(pyramid, x0, x1, 1)[3:5]


def edges_shown(moving: Moving, news: News, width: int) -> np.ndarray:
    k = round(news.x1 / moving.column)
    return np.arange(k - width, k + 1) * moving.column


def test_a_single_value_gets_a_range_around_it():
    assert fitted(5.0, 5.0) == (4.95, 5.05)
    assert fitted(0.0, 0.0) == (-1.0, 1.0)
    low, high = fitted(-200.0, -200.0)
    assert low < -200.0 < high


def test_a_range_has_its_margin():
    assert fitted(0.0, 100.0) == pytest.approx((-100 * MARGIN, 100 + 100 * MARGIN))


def test_values_that_floats_can_hardly_tell_apart_get_a_range_with_room_for_ticks():
    low, high = fitted(1e6, np.nextafter(1e6, 2e6))
    assert high - low > 1


def test_points_outside_count_only_where_the_line_crosses_the_frame():
    x, y = np.array([0.0, 10.0, 20.0]), np.array([100.0, 0.0, 1000.0])
    low, high = visible(5.0, 15.0, x, y)
    assert (low, high) == pytest.approx(fitted(0.0, 500.0))


def test_between_two_points_the_line_is_what_is_visible():
    assert visible(4.0, 6.0, np.array([0.0, 10.0]), np.array([0.0, 10.0])) == pytest.approx(fitted(4.0, 6.0))


def test_the_range_is_that_of_the_line_through_the_points_as_numpy_interpolates_it():
    for _ in range(200):
        # some stand one upon the other
        x = np.sort(RANDOM.integers(0, 30, RANDOM.integers(1, 20))).astype(float)
        y = RANDOM.integers(-9, 9, len(x)).astype(float)
        x0, x1 = np.sort(RANDOM.integers(-5, 35, 2)).astype(float) + RANDOM.choice([0.0, 0.5])
        picked = Pyramid(x, y).view(x0, x1, 3)
        drawn_x, drawn_y, low, high, _ = Pyramid(x, y).draw(edges_of(x0, x1, 3), outside=True)
        assert np.array_equal(drawn_x, x[picked])
        assert np.array_equal(drawn_y, y[picked])
        seen = np.r_[np.interp([x0, x1], drawn_x, drawn_y), drawn_y[(drawn_x >= x0) & (drawn_x < x1)]]
        assert (low, high) == (seen.min(), seen.max())


def test_beyond_all_points_the_range_is_about_the_nearest():
    low, high = visible(50.0, 60.0, np.array([3.0]), np.array([7.0]))
    assert low < 7.0 < high


def test_without_points_there_is_a_range():
    assert visible(0.0, 1.0, np.empty(0), np.empty(0)) == (0.0, 1.0)


def test_window_is_m4_with_a_range_that_shows_it():
    x = np.cumsum(RANDOM.exponential(1, 20_000))
    y = np.cumsum(RANDOM.standard_normal(20_000))
    columns = window(Pyramid(x, y), 300.0, 9000.0, 700)
    expected = brute_force(x, y, 300.0, 9000.0, 700)
    assert np.array_equal(columns.lines[0].x, x[expected])
    assert np.array_equal(columns.lines[0].y, y[expected])
    inside = y[(x >= 300) & (x < 9000)]
    assert columns.y0 < inside.min() < inside.max() < columns.y1


def test_a_window_that_makes_no_sense_is_refused():
    with pytest.raises(LocalError, match="finite x0 <= x1"):
        window(Pyramid([1.0], [1.0]), 5.0, 1.0, 100)


def test_the_moving_window_ends_with_the_newest_point():
    x = np.arange(1000.0)
    moving = Moving(Pyramid(x, x), 100.0, 50)
    news = moving.whole()
    assert news.whole
    assert news.x0 < 901 < 999 < news.x1
    assert news.x1 - news.x0 == pytest.approx(100)
    assert news.x1 - moving.column <= 999
    assert news.open[0].x.tolist() == [998.0, 999.0]


@pytest.mark.parametrize("width", [1, 2, 37, 400])
def test_what_is_kept_and_what_is_new_are_always_the_m4_of_the_window(width):
    n = 30_000
    x = np.cumsum(RANDOM.exponential(1, n) ** 2)
    y = np.cumsum(RANDOM.standard_normal(n))
    pyramid = Pyramid(x[:5000], y[:5000])
    moving, screen = Moving(pyramid, 900.0, width), Screen()
    screen.take(moving.whole())
    held, wholes = 5000, 0
    while held < n:
        step = int(RANDOM.choice([0, 1, 3, 40, 400, 5000], p=[0.1, 0.3, 0.3, 0.2, 0.09, 0.01]))
        pyramid.append(x[held : held + step], y[held : held + step])
        held = min(n, held + step)
        news = moving.news()
        if news is None:
            assert step == 0
            continue
        wholes += news.whole
        screen.take(news)
        x0, x1 = screen.window
        assert x0 <= x[held - 1] < x1
        edges = edges_shown(moving, news, width)
        assert (edges[0], edges[-1]) == pytest.approx((x0, x1))
        expected = brute_force_edges(x[:held], y[:held], edges)
        before = np.searchsorted(x[:held], edges[0]) - 1
        assert screen.x.tolist() == x[np.r_[before, expected]].tolist()
        assert screen.y.tolist() == y[np.r_[before, expected]].tolist()
        inside = y[:held][(x[:held] >= x0) & (x[:held] < x1)]
        assert news.y0 < inside.min() <= inside.max() < news.y1
    assert wholes < 100


def test_only_what_is_new_is_sent():
    x = np.arange(100_000.0)
    pyramid = Pyramid(x, np.sin(x))
    moving = Moving(pyramid, 100_000.0, 1000)
    whole = moving.whole()
    pyramid.append(100_000.0 + np.arange(250.0), np.zeros(250))
    news = moving.news()
    assert news is not None
    assert not news.whole
    assert len(whole.closed[0].x) > 3000
    assert len(news.closed[0].x) + len(news.open[0].x) <= 16


def test_nothing_new_is_no_news():
    moving = Moving(Pyramid([1.0], [1.0]), 10.0, 100)
    moving.whole()
    assert moving.news() is None


def test_a_jump_over_the_whole_window_is_sent_whole():
    pyramid = Pyramid(np.arange(100.0), np.zeros(100))
    moving = Moving(pyramid, 10.0, 100)
    moving.whole()
    pyramid.append([5000.0], [3.0])
    news = moving.news()
    assert news is not None
    assert news.whole
    assert news.x0 < 5000.0 < news.x1
    assert [*news.closed[0].x, *news.open[0].x] == [99.0, 5000.0]


def test_without_points_the_window_ends_now_and_the_first_point_takes_it():
    pyramid = Pyramid()
    moving = Moving(pyramid, 10.0, 100, now=7.0)
    news = moving.whole()
    assert news.x0 < 7.0 < news.x1
    assert len(news.closed[0].x) == len(news.open[0].x) == 0
    assert moving.news() is None
    pyramid.append([100.0], [1.0])
    first = moving.news()
    assert first is not None
    assert first.whole
    assert first.open[0].x.tolist() == [100.0]


def test_points_at_one_and_the_same_time_stay_in_the_open_column():
    pyramid = Pyramid([5.0], [0.0])
    moving = Moving(pyramid, 10.0, 10)
    screen = Screen()
    screen.take(moving.whole())
    for value in (3.0, -2.0, 1.0):
        pyramid.append([5.0], [value])
        news = moving.news()
        assert news is not None
        screen.take(news)
    assert screen.y.tolist() == [0.0, 3.0, -2.0, 1.0]


@pytest.mark.parametrize("cut", [0, 1, 500, 1999, 2000])
def test_two_parts_of_a_line_that_were_cut_apart_are_drawn_as_one(cut):
    x = np.arange(2000.0)
    y = np.sin(x / 50)
    older, newer = Pyramid(x[:cut], y[:cut]), Pyramid(x[cut:], y[cut:])
    whole = window(Pyramid(x, y), 100.0, 1900.0, 300)
    both = joined(window(older, 100.0, 1900.0, 300), window(newer, 100.0, 1900.0, 300))
    assert (both.x0, both.x1) == (whole.x0, whole.x1)
    # at the seam a column may hold more points than M4 needs, but none that is not there, and none is missing
    assert set(whole.lines[0].x) <= set(both.lines[0].x)
    assert len(both.lines[0].x) <= len(whole.lines[0].x) + 4
    assert np.all(np.diff(both.lines[0].x) > 0)
    assert both.y0 == pytest.approx(whole.y0, abs=1e-3)
    assert both.y1 == pytest.approx(whole.y1, abs=1e-3)


def test_what_many_windows_need_is_cut_once_and_packed_once():
    pyramid = Pyramid(np.arange(100.0), np.sin(np.arange(100.0)))
    movings = [Moving(pyramid, span, 50) for span in (10.0, 20.0) for _ in range(25)]
    for moving in movings:
        moving.whole()
    for n in range(100, 110):
        pyramid.append([float(n)], [0.5])
        all_news = [moving.news() for moving in movings]
        assert len({id(news) for news in all_news}) == len({id(news.points) for news in all_news}) == 2
    assert (cuts_of(pyramid).made, cuts_of(pyramid).shared) == (2 * 11, 48 * 11)


def test_windows_that_were_opened_at_different_times_have_the_same_columns():
    pyramid = Pyramid([0.0], [0.0])
    first = Moving(pyramid, 10.0, 20)
    first.whole()
    pyramid.append([3.3], [1.0])
    second = Moving(pyramid, 10.0, 20)
    second.whole()
    first.news()
    pyramid.append([7.1], [2.0])
    assert first.news() is second.news()


def test_windows_that_differ_in_what_they_show_share_nothing():
    pyramid = Pyramid([0.0, 1.0], [[0.0, 9.0], [1.0, 9.0]], names=("a", "b"))
    all_of_it, a_alone = Moving(pyramid, 5.0, 10), Moving(pyramid, 5.0, 10, shown=frozenset([0]))
    assert all_of_it.whole() is not a_alone.whole()


def test_what_is_shared_is_bounded_and_ends_with_the_pyramid():
    cuts = Cuts(most=3)
    nothing = Moving(Pyramid(), 1.0, 1).whole()
    for key in range(10):
        cuts.get(0, key, lambda: nothing)
        assert len(cuts._kept) <= 3
    cuts.get(1, 9, lambda: nothing)
    assert (cuts.made, cuts.shared, len(cuts._kept)) == (11, 0, 1)
    pyramid = Pyramid()
    there = weakref.ref(cuts_of(pyramid))
    Moving(pyramid, 1.0, 1).whole()
    del pyramid
    gc.collect()
    assert there() is None


def test_a_point_that_came_late_before_the_open_column_sends_the_window_whole():
    pyramid = Pyramid(np.arange(100.0), np.zeros(100), late=50.0)
    moving = Moving(pyramid, 10.0, 10)
    moving.whole()
    pyramid.append([99.7, 99.5], [1.0, 2.0])
    news = moving.news()
    assert not news.whole
    assert news.open[0].y.tolist() == [0.0, 2.0, 1.0]
    pyramid.append([95.5], [7.0])
    news = moving.news()
    assert news.whole
    assert 95.5 in news.closed[0].x.tolist()
