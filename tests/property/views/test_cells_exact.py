"""A scatter's marks are the first points of each cell, whatever the points, the gaps and the cells."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cells_oracle import brute_force

from rtlab.views.cells import Grid, marks
from rtlab.views.pyramid import Pyramid


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 1 << 32), st.data())
def test_marks_are_those_of_looking_at_every_point(seed: int, data: st.DataObject) -> None:
    random = np.random.default_rng(seed)
    n = data.draw(st.integers(1, 5000))
    shapes = (random.standard_normal(n).cumsum(), random.standard_normal(n), random.integers(0, 3, n))
    y = shapes[data.draw(st.integers(0, 2))].astype(float)
    if data.draw(st.booleans()):
        start = int(random.integers(0, n))
        y[start : start + int(random.integers(1, n + 1))] = np.nan
        y[random.integers(0, n, 3)] = np.nan
    bounds = np.sort(random.integers(0, n + 1, data.draw(st.integers(2, 12))))
    height = data.draw(st.sampled_from([0.01, 0.5, 1.0, 40.0]))
    grid = Grid(
        data.draw(st.floats(-30, 5)), height, data.draw(st.integers(1, 300)), data.draw(st.integers(1, 4))
    )
    values, levels, gaps = Pyramid(np.arange(float(n)), y)._held.columns[0]
    indices, points = marks(values, levels, gaps, bounds, grid)
    assert indices.tolist() == brute_force(y, bounds, *grid)
    assert points == np.count_nonzero(~np.isnan(y[bounds[0] : bounds[-1]]))
