import numpy as np
import pytest

from rtlab.views import gaps, m4
from rtlab.views.column import STEP, Column, Held, Move, allocate


def held(n: int, columns: int = 2) -> Held:
    random = np.random.default_rng(n)
    made = allocate(n, columns)
    made.x[:] = np.arange(n)
    full = []
    for column in made.columns:
        column.y[:] = random.standard_normal(n)
        column.y[random.integers(0, n, 5)] = np.nan
        m4.fold(column.y, column.levels, 0, n)
        full.append(column._replace(gaps=gaps.added(m4.NO_GAPS, column.y, 0)))
    return Held(made.x, tuple(full), n)


def assert_whole(column: Column, y: np.ndarray) -> None:
    fresh = m4.allocate(len(y))
    m4.fold(y, fresh, 0, len(y))
    assert np.array_equal(column.y[: len(y)], y, equal_nan=True)
    size = m4.BASE
    for level, at in enumerate(fresh.offsets[:-1]):
        whole, moved_at = len(y) // size, column.levels.offsets[level]
        assert np.array_equal(
            column.levels.values[moved_at : moved_at + whole], fresh.values[at : at + whole]
        )
        places = column.levels.places[moved_at : moved_at + whole]
        assert np.array_equal(places, fresh.places[at : at + whole])
        size *= m4.FACTOR
    expected = gaps.added(m4.NO_GAPS, y, 0)
    assert column.gaps.number == expected.number
    assert np.array_equal(column.gaps.starts[: expected.number], expected.starts[: expected.number])


@pytest.mark.parametrize("n", [100, 64 * 8**3 + 17, 300_000])
@pytest.mark.parametrize("start", [0, STEP, 5 * STEP + 77])
def test_a_move_ends_with_what_an_append_of_the_rest_would_have_made(n, start):
    before = held(n)
    start = min(start, n - 1)
    move = Move(before, n, start)
    move.advance(before, n // 3)
    after = move.finish(before)
    assert after.points == n - move.start
    assert move.start == start // STEP * STEP
    assert np.array_equal(after.x[: after.points], before.x[move.start : n])
    for old, new in zip(before.columns, after.columns, strict=True):
        assert_whole(new, old.y[move.start : n])


def test_a_move_says_when_there_is_no_more_to_copy():
    before = held(1000, 1)
    move = Move(before, 2000)
    assert not move.advance(before, 999)
    assert move.advance(before, 1)
    assert move.capacity >= 2000
