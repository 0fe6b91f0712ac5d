import numpy as np
import pytest
from support.bars_oracle import joined, random_bars
from support.random_market import NOON, SECOND

from rtlab.views.bars import Bars
from rtlab.views.candle_window import FIRST, Look, cut, holes

N = 10_000
ROWS = random_bars(N)
FROM = ROWS[0, 0] / 1e6


@pytest.fixture(scope="module")
def bars() -> Bars:
    made = Bars(SECOND)
    made.update(ROWS)
    return made


def seconds(first: float, last: float, most: int = 400, *, live: bool = False) -> Look:
    return Look(FROM + first * 1000, FROM + last * 1000, most, live)


def test_at_first_it_is_the_newest(bars: Bars) -> None:
    scale, table, seen = cut(bars, Look())
    assert scale == 0
    assert np.array_equal(table, ROWS)
    assert np.array_equal(seen, ROWS[-FIRST:])


@pytest.mark.parametrize("span", [10, 399, 401, 2000, 5999, 9999])
@pytest.mark.parametrize("most", [50, 400])
def test_a_window_has_at_most_so_many_bars_and_all_that_there_are(bars: Bars, span: int, most: int) -> None:
    for first in range(0, N - span, 997):
        look = seconds(first, first + span, most)
        scale, table, seen = cut(bars, look)
        interval = bars.intervals[scale]
        assert np.array_equal(table, joined(ROWS, interval))
        inside = (table[:, 0] + interval > look.x0 * 1e6) & (table[:, 0] < look.x1 * 1e6)
        assert inside.sum() <= most + 2
        assert len(seen) <= 3 * most + 8
        assert set(table[inside, 0]) <= set(seen[:, 0])
        if scale:
            assert span * SECOND > most * bars.intervals[scale - 1]


@pytest.mark.parametrize("span", [10, 300, 4000])
def test_a_live_window_ends_with_the_newest_and_reaches_before_its_beginning(bars: Bars, span: int) -> None:
    scale, table, seen = cut(bars, seconds(N - span, N, live=True))
    assert seen[-1].tolist() == table[-1].tolist()
    assert len(seen) == min(len(table), max(FIRST, 1.5 * span * SECOND // bars.intervals[scale]))


def test_a_window_that_moves_a_little_needs_nothing_new(bars: Bars) -> None:
    cuts = {cut(bars, seconds(3000 + by, 3200 + by))[2].tobytes() for by in range(0, 64, 4)}
    assert len(cuts) <= 3


def test_a_window_beyond_all_bars_has_none(bars: Bars) -> None:
    assert len(cut(bars, seconds(-9000, -8900))[2]) == 0
    assert len(cut(Bars(SECOND), seconds(0, 10))[1]) == 0


@pytest.mark.parametrize(
    ("look", "sense"),
    [
        (Look(0.0, 1.0, 5), True),
        (Look(1.0, 1.0), False),
        (Look(2.0, 1.0), False),
        (Look(0.0, 1.0, 0), False),
        (Look(0.0, 1.0, 10**6), False),
        (Look(float("nan"), 1.0), False),
        (Look(0.0, float("inf")), False),
        (Look(1e300, 2e300), False),
    ],
)
def test_what_is_no_window_is_told(look: Look, sense: bool) -> None:
    assert look.makes_sense() is sense


def test_holes_are_where_there_is_no_candle() -> None:
    table = ROWS[[0, 1, 2, 5, 6, 60]]
    first = NOON / 1e6 + 1000
    assert holes(table, SECOND) == ([first + 3000, first + 7000], [first + 5000, first + 60_000])
    assert holes(table[:3], SECOND) == ([], [])
    assert holes(table[:0], SECOND) == ([], [])
