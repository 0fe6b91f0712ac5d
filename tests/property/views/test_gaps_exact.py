"""A line with gaps is drawn as M4 of each of its runs, and what is evicted changes nothing of what is left."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.m4_oracle import brute_force_gaps

from rtlab.views import m4
from rtlab.views.pyramid import Pyramid


@st.composite
def broken(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    n = draw(st.integers(1, 30_000))
    x = np.sort(random.choice([random.exponential(1, n).cumsum(), random.integers(0, n, n)])).astype(float)
    y = random.choice([random.standard_normal(n).cumsum(), random.integers(0, 3, n)]).astype(float)
    for _ in range(draw(st.integers(0, 8))):
        start = int(random.integers(0, n))
        y[start : start + int(random.choice([1, 2, 63, 64, 700, n]))] = np.nan
    return x, y


@settings(deadline=None, max_examples=120)
@given(broken(), st.data())
def test_a_view_with_gaps_is_m4_of_every_run(points, data):
    x, y = points
    pyramid = Pyramid()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(x)), max_size=6)))
    for start, end in zip([0, *cuts], [*cuts, len(x)], strict=True):
        pyramid.append(x[start:end], y[start:end])
    corners = st.one_of(st.floats(-10, 1e5), st.sampled_from(x.tolist()))
    for _ in range(3):
        x0, x1 = sorted((data.draw(corners), data.draw(corners)))
        width = data.draw(st.integers(1, 2000))
        assert np.array_equal(pyramid.view(x0, x1, width), brute_force_gaps(x, y, x0, x1, width))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 32), st.floats(0.01, 0.9), st.integers(1, 30))
def test_columns_of_too_many_gaps_are_counted_and_keep_their_extremes(seed, share, width):
    random = np.random.default_rng(seed)
    x, y = np.arange(5000.0), random.standard_normal(5000)
    y[random.random(5000) < share] = np.nan
    pyramid = Pyramid(x, y)
    edges = np.linspace(0, 5000, width + 1)
    drawing = pyramid.draw(edges)
    column = np.searchsorted(edges, x, side="right") - 1
    shown = np.searchsorted(edges, drawing.x, side="right") - 1
    surely = perhaps = 0
    for c in range(width):
        whole, picked = y[column == c], drawing.y[shown == c]
        finite = np.isfinite(whole)
        runs = int(np.count_nonzero(np.diff(finite.astype(int), prepend=0) == 1))
        surely += runs > m4.MOST_RUNS + 1
        perhaps += runs > m4.MOST_RUNS
        if finite.any():
            assert (np.nanmin(picked), np.nanmax(picked)) == (np.nanmin(whole), np.nanmax(whole))
            ends = picked[np.isfinite(picked)][[0, -1]]
            assert ends.tolist() == whole[finite][[0, -1]].tolist()
    assert surely <= drawing.merged <= perhaps
