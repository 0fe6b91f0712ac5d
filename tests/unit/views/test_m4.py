import itertools

import numpy as np
import pytest
from support.m4_oracle import brute_force_edges

from rtlab.views import m4

RANDOM = np.random.default_rng(11)


def drawn(x: np.ndarray, y: np.ndarray, edges: np.ndarray, count: int | None = None) -> np.ndarray:
    levels = m4.allocate(len(x))
    m4.fold(y, levels, 0, len(x))
    return m4.draw(x, y, levels, m4.NO_GAPS, len(x) if count is None else count, edges, outside=False)[0]


def bounds_of(x: np.ndarray, values: np.ndarray) -> list[int]:
    """Drive the edge search: one column from each value to behind the last point begins where it is found."""
    ends = np.nextafter(x[-1], np.inf)
    first = [drawn(x, np.zeros(len(x)), np.array([value, max(value, ends)]))[:1] for value in values]
    return [int(found[0]) if len(found) else len(x) for found in first]


@pytest.mark.parametrize("n", [1, 2, 3, 64, 1000])
def test_edges_are_found_as_searchsorted_finds_them(n):
    x = np.sort(RANDOM.integers(0, max(2, n // 3), n)).astype(float)
    values = np.concatenate([x, x - 0.5, x + 0.5, [-100.0, 100.0 + n]])
    assert bounds_of(x, values) == list(np.searchsorted(x, values, "left"))


def test_edges_are_found_where_spacing_jumps_by_many_powers():
    x = np.concatenate([np.arange(1000.0), 1e6 + np.arange(5.0), 1e12 + np.arange(3000.0) * 1e-3])
    y = RANDOM.standard_normal(len(x))
    edges = np.sort(np.concatenate([RANDOM.choice(x, 300), RANDOM.uniform(0, 2e12, 300)]))
    picked = drawn(x, y, edges).tolist()
    assert picked == sorted(set(picked))
    starts = np.searchsorted(x, edges)
    assert picked[0] == starts[0]
    assert picked[-1] == starts[-1] - 1
    firsts = {int(s) for s, e in itertools.pairwise(starts) if e > s}
    assert firsts <= set(picked)


def test_levels_hold_the_first_least_and_greatest_of_every_whole_bucket():
    n = m4.BASE * m4.FACTOR**2 * 3 + 777
    y = RANDOM.integers(0, 50, n).astype(float)
    levels = m4.allocate(n)
    done = 0
    for step in RANDOM.integers(1, 5000, 100):
        m4.fold(y, levels, done, min(n, done + int(step)))
        done = min(n, done + int(step))
    assert done == n
    size = m4.BASE
    for level in range(len(levels.offsets) - 1):
        for b in range(n // size):
            at = levels.offsets[level] + b
            part = y[b * size : (b + 1) * size]
            assert levels.values[at].tolist() == [part.min(), part.max()]
            assert levels.places[at].tolist() == [b * size + part.argmin(), b * size + part.argmax()]
        size *= m4.FACTOR
    assert size > n


def test_room_for_levels_is_made_only_where_a_bucket_can_be_whole():
    assert len(m4.allocate(0).values) == 0
    assert len(m4.allocate(m4.BASE - 1).values) == 0
    assert m4.allocate(m4.BASE).offsets.tolist() == [0, 1]
    assert m4.allocate(m4.BASE * m4.FACTOR).offsets.tolist() == [0, m4.FACTOR, m4.FACTOR + 1]


def test_points_behind_the_count_are_never_read():
    n = 10_000
    y = np.sin(np.arange(n) / 50)
    y[5000:] = 1e9
    picked = drawn(np.arange(float(n)), y, np.array([10.0, 3000.0, 9000.0]), count=5000).tolist()
    assert (picked[0], picked[-1]) == (10, 4999)
    assert picked == sorted(set(picked))


@pytest.mark.parametrize("kinds", [1, 2, 3, 20])
@pytest.mark.parametrize("n", [m4.BASE * m4.FACTOR + 1, m4.BASE * m4.FACTOR**2 * 2 + 99])
def test_of_equals_the_first_is_found_wherever_edges_split_the_buckets(n, kinds):
    x, y = np.arange(float(n)), RANDOM.integers(0, kinds, n).astype(float)
    for _ in range(60):
        edges = np.sort(RANDOM.integers(0, n + 1, RANDOM.integers(2, 12))).astype(float)
        assert np.array_equal(drawn(x, y, edges), brute_force_edges(x, y, edges))
    count = n - int(RANDOM.integers(1, 70))
    edges = np.sort(RANDOM.integers(0, n + 1, 9)).astype(float)
    assert np.array_equal(drawn(x, y, edges, count), brute_force_edges(x[:count], y[:count], edges))


@pytest.mark.parametrize(
    ("x", "y", "before", "found"),
    [
        ([1, 2, 3], [1, 1, 1], 0, (-1, m4.SOUND)),
        ([1, 1], [1, 1], 1, (-1, m4.SOUND)),
        ([], [], 0, (-1, m4.SOUND)),
        ([1, 2, 1], [1, 1, np.nan], 0, (2, m4.UNORDERED)),
        ([1], [1], 2, (0, m4.UNORDERED)),
        ([1, np.nan], [1, 1], 0, (1, m4.NOT_FINITE_X)),
        ([1, 2], [np.inf, 1], 0, (0, m4.INFINITE_Y)),
    ],
)
def test_the_first_fault_is_found(x, y, before, found):
    assert m4.first_fault(np.array(x, float), np.array(y, float), float(before)) == found


def test_compile_all_may_be_called_again():
    m4.compile_all()
    m4.compile_all()
