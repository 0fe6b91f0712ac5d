import numpy as np
import pytest

from rtlab.views import gaps, m4


def listed(held: m4.Gaps) -> list[tuple[int, int]]:
    return list(zip(held.starts[: held.number].tolist(), held.ends[: held.number].tolist(), strict=True))


def series(text: str) -> np.ndarray:
    return np.array([np.nan if letter == "." else 1.0 for letter in text])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", []), ("xx", []), (".", [(0, 1)]), ("x..x.", [(1, 3), (4, 5)]), ("..x", [(0, 2)])],
)
def test_runs_of_nan_are_found(text, expected):
    starts, ends = gaps.runs(series(text))
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_gaps_that_meet_at_a_border_are_one(pieces):
    text = "x..xx....x.x.........x" * 5
    held = m4.NO_GAPS
    for start in range(0, len(text), pieces):
        held = gaps.added(held, series(text[start : start + pieces]), start)
    assert listed(held) == listed(gaps.added(m4.NO_GAPS, series(text), 0))


def test_who_holds_gaps_sees_none_that_came_later():
    first = gaps.added(m4.NO_GAPS, series("x.x"), 0)
    later = gaps.added(first, series(".x."), 3)
    assert listed(first) == [(1, 2)]
    assert listed(later) == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize(
    ("by", "expected"), [(0, [(1, 3), (5, 6)]), (2, [(0, 1), (3, 4)]), (3, [(2, 3)]), (6, [])]
)
def test_lost_points_move_the_gaps_and_cut_one_that_they_reach_into(by, expected):
    held = gaps.added(m4.NO_GAPS, series("x..xx.x"), 0)
    assert listed(gaps.moved(held, by)) == expected
    assert listed(held) == [(1, 3), (5, 6)]
