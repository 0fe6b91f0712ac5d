import numpy as np
import pytest
from support.cells_oracle import brute_force

from rtlab.views.pyramid import Pyramid, edges_of
from rtlab.views.scatter import Scatter
from rtlab.views.viewport import Moving, window

RANDOM = np.random.default_rng(5)
N = 50_000
X = RANDOM.exponential(1, N).cumsum()
Y = {"a": RANDOM.standard_normal(N).cumsum(), "b": RANDOM.standard_normal(N) * 30}
PYRAMID = Pyramid(X, Y)
SCATTER = Scatter(100)


@pytest.mark.parametrize(("x0", "x1"), [(X[0], X[-1]), (X[900], X[4000]), (X[10], X[10])])
def test_a_window_has_the_first_point_of_every_cell(x0: float, x1: float) -> None:
    columns = window(PYRAMID, x0, x1, 200, None, SCATTER)
    ends = edges_of(x0, x1, 200)
    ends[-1] = np.nextafter(x1, np.inf)
    grid = SCATTER.grid(PYRAMID, x0, float(ends[-1]), None)
    bounds = np.searchsorted(X, ends)
    held = 0
    for (x, y), values in zip(columns.lines, Y.values(), strict=True):
        expected = brute_force(values, bounds, *grid)
        assert x.tolist() == X[expected].tolist()
        assert y.tolist() == values[expected].tolist()
        held += len(x)
    inside = [values[bounds[0] : bounds[-1]] for values in Y.values()]
    assert columns.merged == 2 * len(inside[0]) - held
    assert columns.y0 < min(part.min() for part in inside)
    assert columns.y1 > max(part.max() for part in inside)


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_rows_are_powers_of_two_and_reach_over_all_points(rows: int) -> None:
    grid = Scatter(rows).grid(PYRAMID, float(X[0]), float(X[-1]) + 1, None)
    low, high = min(y.min() for y in Y.values()), max(y.max() for y in Y.values())
    assert np.log2(grid.height).is_integer()
    assert (high - low) / rows / 2 < grid.height <= (high - low) / rows
    assert grid.y0 <= low
    assert grid.y0 + grid.height * grid.rows > high
    assert grid.rows <= 2 * rows + 2


@pytest.mark.parametrize("y", [[5.0] * 9, [1e17] * 9, [0.0] * 9, [np.nan] * 9])
def test_points_of_one_height_are_one_mark_a_column(y: list[float]) -> None:
    columns = window(Pyramid(np.arange(9.0), y), 0.0, 8.0, 3, None, SCATTER)
    assert len(columns.lines[0].x) == (0 if np.isnan(y[0]) else 3)
    assert columns.y0 < columns.y1


def test_a_hidden_line_has_no_marks_and_no_part_in_the_heights() -> None:
    one = window(PYRAMID, 0.0, 9000.0, 200, frozenset([1]), SCATTER)
    alone = window(Pyramid(X, Y["b"]), 0.0, 9000.0, 200, None, SCATTER)
    assert len(one.lines[0].x) == 0
    assert one.lines[1].x.tolist() == alone.lines[0].x.tolist()
    assert (one.y0, one.y1) == (alone.y0, alone.y1)


def test_what_a_moving_scatter_sends_is_its_window_and_never_two_marks_in_a_cell() -> None:
    pyramid, kept, wholes = Pyramid(), (np.empty(0), np.empty(0)), 0
    moving = Moving(pyramid, 5000.0, 100, scatter=SCATTER)
    moving.whole()
    y = RANDOM.standard_normal(N)
    for start in range(0, N, 2000):
        pyramid.append(X[start : start + 2000], y[start : start + 2000])
        news = moving.news()
        assert news is not None
        wholes += news.whole
        kept = tuple(news.closed[0]) if news.whole else tuple(map(np.append, kept, news.closed[0]))
        x, heights = (np.append(a, b) for a, b in zip(kept, news.open[0], strict=True))
        heights, x = heights[x >= news.x0], x[x >= news.x0]
        end = start + 2000
        grid = SCATTER.grid(pyramid, news.x0, news.x1, None)
        cells = list(zip((x // moving.column).tolist(), (heights // grid.height).tolist(), strict=True))
        assert len(set(cells)) == len(cells)
        seen = X[:end] >= news.x0
        there = zip(
            (X[:end][seen] // moving.column).tolist(), (y[:end][seen] // grid.height).tolist(), strict=True
        )
        assert set(cells) == set(there)
    assert wholes < 12
