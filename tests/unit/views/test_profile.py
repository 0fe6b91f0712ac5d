import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import ConfigError
from rtlab.views.profile import Profile, Rows, merged

TRADES = st.lists(
    st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**9), st.integers(0, 1)), max_size=60
)
NEAR = st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 99), st.integers(0, 1)), max_size=60)


def columns(trades: list[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    return tuple([row[i] for row in trades] for i in range(3))


def counted(trades: list[tuple[int, int, int]], step: int) -> Counter[tuple[int, int]]:
    """The volume of each row and side by a plain loop."""
    sums: Counter[tuple[int, int]] = Counter()
    for ticks, lots, side in trades:
        sums[ticks // step * step, side] += lots
    return +sums


def told(rows: Rows) -> Counter[tuple[int, int]]:
    sums: Counter[tuple[int, int]] = Counter()
    for i, (bought, sold) in enumerate(rows.lots.tolist()):
        sums[rows.first + i * rows.step, 0] = bought
        sums[rows.first + i * rows.step, 1] = sold
    return +sums


@given(TRADES | NEAR, st.integers(2, 70), st.integers(2, 70), st.integers(1, 60))
def test_each_row_has_what_a_loop_counts_however_the_trades_come(
    trades: list[tuple[int, int, int]], held: int, most: int, batch: int
) -> None:
    profile = Profile(held)
    for start in range(0, len(trades), batch):
        profile.add(*columns(trades[start : start + batch]))
    rows = profile.rows(most)
    assert len(rows.lots) <= most
    assert rows.first % rows.step == 0
    assert told(rows) == counted(trades, rows.step)
    assert rows.trades == len(trades)
    if len(rows.lots):  # not a row more than from the lowest to the highest
        assert rows.lots[0].any()
        assert rows.lots[-1].any()


@given(NEAR)
def test_rows_are_a_tick_high_where_there_is_room(trades: list[tuple[int, int, int]]) -> None:
    profile = Profile()
    profile.add(*columns(trades))
    assert profile.rows(81).step == 1


@pytest.mark.parametrize(
    ("most", "step"), [(101, 1), (100, 2), (51, 2), (50, 5), (20, 10), (3, 50), (2, 100)]
)
def test_rows_that_must_merge_are_as_high_as_one_would_read_them(most: int, step: int) -> None:
    profile = Profile()
    profile.add(range(101), [1] * 101, [0] * 101)
    assert profile.rows(most).step == step


def test_what_is_held_is_bounded_and_merges_two_by_two() -> None:
    profile = Profile(8)
    profile.add([0, 7], [1, 1], [0, 1])
    assert profile.rows(100).step == 1
    profile.add([8], [1], [0])
    assert profile.rows(100).step == 2
    profile.add([1 << 40], [5], [1])
    rows = profile.rows(100)
    assert len(rows.lots) <= 8
    assert rows.lots.sum(axis=0).tolist() == [2, 6]


def test_prices_on_both_sides_of_nothing_never_need_more_than_two_rows() -> None:
    profile = Profile(2)
    profile.add([-(10**12), 10**12], [3, 4], [0, 1])
    assert profile.rows(2).lots.tolist() == [[3, 0], [0, 4]]


@pytest.mark.parametrize(
    ("trades", "control"),
    [([], None), ([(5, 1, 0)], 0), ([(5, 3, 0), (6, 2, 0), (6, 2, 1)], 1), ([(5, 4, 0), (7, 4, 1)], 0)],
)
def test_control_is_the_row_with_the_most_of_both_sides(
    trades: list[tuple[int, int, int]], control: int | None
) -> None:
    profile = Profile()
    profile.add(*columns(trades))
    assert profile.rows(10).control == control


def test_rows_stay_as_they_were_when_more_is_added() -> None:
    profile = Profile()
    profile.add([1], [1], [0])
    rows = profile.rows(10)
    profile.add([1], [1], [0])
    assert rows.lots.tolist() == [[1, 0]]


def test_sums_beyond_a_float_are_exact() -> None:
    profile = Profile()
    profile.add([1], [2**53], [0])
    profile.add([1], [1], [0])
    assert profile.rows(2).lots.tolist() == [[2**53 + 1, 0]]


def test_threads_that_add_lose_nothing() -> None:
    profile = Profile(64)

    def add(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(50):
            profile.add(random.integers(-500, 500, 20), np.ones(20), random.integers(0, 2, 20))

    threads = [threading.Thread(target=add, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert profile.trades == profile.rows(64).lots.sum() == 4000


@pytest.mark.parametrize("most", [1, 0, -5])
def test_too_few_rows_are_refused(most: int) -> None:
    with pytest.raises(ConfigError, match="at least 2"):
        Profile(most)
    with pytest.raises(ConfigError, match="at least 2"):
        Profile().rows(most)


def test_merged_rows_begin_at_multiples() -> None:
    first, lots = merged(-3, np.array([[1, 0], [2, 0], [4, 1]]), 2)
    assert first == -2
    assert lots.tolist() == [[1, 0], [6, 1]]


def test_repr_tells_what_was_traded() -> None:
    profile = Profile()
    profile.add([1, 2], [3, 4], [0, 1])
    assert repr(profile) == "Profile(trades=2, bought=3, sold=4, step=1)"
