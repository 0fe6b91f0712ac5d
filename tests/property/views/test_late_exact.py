"""A pyramid whose points came late draws what one draws to which they came in order, however they were shared out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.late_oracle import put_in
from support.m4_oracle import brute_force_gaps

from rtlab.views.pyramid import Pyramid
from rtlab.views.viewport import Moving


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    n = draw(st.integers(1, 1500))
    most = draw(st.sampled_from([0.5, 3.0, 40.0, 1e9]))
    x = np.round(np.arange(n) * draw(st.sampled_from([0.0, 0.3, 1.0])) - random.exponential(most / 2, n), 1)
    y = random.standard_normal(n)
    y[random.random(n) < draw(st.sampled_from([0.0, 0.02, 0.5]))] = np.nan
    return x, y, most


def shared_out(data: st.DataObject, n: int) -> list[slice]:
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=12)))
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, n], strict=True)]


@settings(deadline=None, max_examples=120)
@given(arrivals(), st.data())
def test_late_points_stand_where_they_belong_and_are_drawn_exactly(points, data):
    x, y, most = points
    pyramid = Pyramid(late=most)
    for part in shared_out(data, len(x)):
        pyramid.append(x[part], y[part])
    in_order_x, in_order_y, late, refused = put_in(x, y, most)
    assert np.array_equal(pyramid.x, in_order_x)
    assert np.array_equal(pyramid.y, in_order_y, equal_nan=True)
    statistics = pyramid.statistics()
    assert (statistics.late, statistics.refused) == (late, refused)
    x0, x1 = sorted(data.draw(st.sampled_from(in_order_x.tolist())) for _ in range(2))
    width = data.draw(st.integers(1, 300))
    if not np.isnan(in_order_y).any():
        expected = brute_force_gaps(in_order_x, in_order_y, x0, x1, width)
        assert np.array_equal(pyramid.view(x0, x1, width), expected)
    twin = Pyramid(in_order_x, in_order_y)
    assert np.array_equal(pyramid.view(x0, x1, width), twin.view(x0, x1, width))


@settings(deadline=None, max_examples=60)
@given(arrivals(), st.data())
def test_what_a_moving_window_keeps_is_what_it_would_be_sent_whole(points, data):
    x, y, most = points
    y = np.nan_to_num(y)
    pyramid = Pyramid(late=most)
    moving = Moving(pyramid, 100.0, data.draw(st.integers(1, 200)))
    kept: list[float] = []
    for part in shared_out(data, len(x)):
        pyramid.append(x[part], y[part])
        news = moving.news()
        if news is None:
            continue
        kept = ([] if news.whole else [one for one in kept if one >= news.x0]) + news.closed[0].x.tolist()
        whole = Moving(pyramid, 100.0, moving._width).whole()
        shown = [one for one in kept + news.open[0].x.tolist() if news.x0 <= one < news.x1]
        wanted = [one for one in whole.closed[0].x.tolist() + whole.open[0].x.tolist() if one >= whole.x0]
        assert (news.x0, news.x1) == (whole.x0, whole.x1)
        assert shown == wanted
