"""Pyramid.view is M4 over all points, whatever the points, the pieces they came in, and the window."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.m4_oracle import brute_force

from rtlab.views.pyramid import Pyramid

FINITE = st.floats(-1e9, 1e9, allow_nan=False)
STEPS = st.one_of(st.just(0.0), st.floats(0, 1e-6), st.floats(0, 10), st.floats(0, 1e8))


@st.composite
def series(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Short ones point by point, long ones from a seed, so that all levels are reached."""
    if draw(st.booleans()):
        steps = draw(st.lists(STEPS, max_size=200))
        y = draw(st.lists(FINITE, min_size=len(steps), max_size=len(steps)))
        return draw(FINITE) + np.cumsum(steps), np.array(y, float)
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    n = draw(st.integers(1, 40_000))
    x = np.sort(random.choice([random.exponential(1, n).cumsum(), random.integers(0, n, n)]))
    shape = draw(st.integers(0, 2))
    y = (random.standard_normal(n).cumsum(), random.integers(0, 3, n), random.standard_normal(n))[shape]
    return x.astype(float), y.astype(float)


@settings(deadline=None, max_examples=150)
@given(series(), st.data())
def test_view_is_brute_force_m4(points, data):
    x, y = points
    pyramid = Pyramid()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(x)), max_size=8)))
    for start, end in zip([0, *cuts], [*cuts, len(x)], strict=True):
        pyramid.append(x[start:end], y[start:end])
    corners = st.one_of(FINITE, st.sampled_from(x.tolist())) if len(x) else FINITE
    for _ in range(4):
        x0, x1 = sorted((data.draw(corners), data.draw(corners)))
        width = data.draw(st.integers(1, 3000))
        assert np.array_equal(pyramid.view(x0, x1, width), brute_force(x, y, x0, x1, width))


@settings(deadline=None, max_examples=100)
@given(series(), st.data())
def test_pixels_of_the_chosen_points_are_those_of_all(points, data):
    """The reason for M4: in every column the line through the chosen spans what the line through all spans."""
    x, y = points
    if len(x) < 2 or x[0] == x[-1]:
        return
    width = data.draw(st.integers(1, 60))
    x0, x1 = float(x[0]), float(x[-1]) + 1
    chosen = Pyramid(x, y).view(x0, x1, width)
    column = np.minimum((x - x0) / (x1 - x0) * width, width - 1).astype(int)
    for c in np.unique(column):
        everything, picked = y[column == c], y[chosen][column[chosen] == c]
        assert (picked.min(), picked.max()) == (everything.min(), everything.max())
        assert (picked[0], picked[-1]) == (everything[0], everything[-1])
