import numpy as np
import pytest
from support.cells_oracle import brute_force

from rtlab.views.cells import Grid, marks
from rtlab.views.pyramid import Pyramid

RANDOM = np.random.default_rng(11)
N = 60_000
X = np.arange(float(N))
SHAPES = {
    "walk": RANDOM.standard_normal(N).cumsum(),
    "noise": RANDOM.standard_normal(N),
    "steps": RANDOM.integers(0, 4, N).astype(float),
    "flat": np.ones(N),
}


def chosen(pyramid: Pyramid, bounds: np.ndarray, grid: Grid) -> tuple[np.ndarray, int]:
    y, levels, gaps = pyramid._held.columns[0]
    return marks(y, levels, gaps, bounds, grid)


def with_gaps(y: np.ndarray) -> np.ndarray:
    y = y.copy()
    y[[0, 5, 6, 40_000, N - 1]] = np.nan
    y[1000:9000] = np.nan
    return y


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("gaps", [False, True])
def test_the_first_points_of_every_cell_are_those_of_looking_at_all(
    shape: str, most: int, gaps: bool
) -> None:
    y = with_gaps(SHAPES[shape]) if gaps else SHAPES[shape]
    pyramid = Pyramid(X, y)
    for start, end, columns, rows in (
        (0, N, 20, 30),
        (0, N, 3, 200),
        (777, 50_001, 7, 9),
        (9, 10, 1, 1),
        (5, 5, 2, 2),
    ):
        bounds = np.linspace(start, end, columns + 1).astype(np.int64)
        low, high = np.nanmin(y), np.nanmax(y)
        grid = Grid(low, (high - low) / rows * 1.0001 or 1.0, rows, most)
        indices, points = chosen(pyramid, bounds, grid)
        assert indices.tolist() == brute_force(y, bounds, *grid)
        assert points == np.count_nonzero(~np.isnan(y[start:end]))


def test_what_lies_above_or_below_all_rows_is_not_drawn() -> None:
    y = SHAPES["noise"]
    grid = Grid(-0.5, 0.1, 10, 2)
    bounds = np.array([0, 1000, N])
    indices, points = chosen(Pyramid(X, y), bounds, grid)
    assert indices.tolist() == brute_force(y, bounds, *grid)
    assert np.abs(y[indices]).max() <= 0.5
    assert points == N


def test_of_equal_points_a_cell_shows_no_more_than_it_should() -> None:
    pyramid = Pyramid(np.zeros(N), np.ones(N))
    indices, points = chosen(pyramid, np.array([0, N]), Grid(0.0, 1.0, 5, 4))
    assert (indices.tolist(), points) == ([0, 1, 2, 3], N)
