import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.views.candle import Candle
from rtlab.views.growing import Growing, difference


def candle(close: float = 1.0) -> Candle:
    return Candle(1.0, max(1.0, close), min(1.0, close), close, 1.0)


def test_difference_of_random_tables_leads_from_one_to_the_other() -> None:
    rng = random.Random(5)
    for _ in range(3000):
        keep = rng.randint(1, 6)
        starts = sorted(rng.sample(range(12), rng.randint(0, keep)))
        drawn = {start: candle(rng.random()) for start in starts}
        news = {start: candle(rng.random()) for start in rng.sample(range(14), rng.randint(1, 3))}
        merged = {**drawn, **news}
        wanted = {start: merged[start] for start in sorted(merged)[-keep:]}
        change = difference(drawn, wanted)
        rows = [] if change.whole else list(drawn.items())
        for i in change.changed:
            rows[i] = (rows[i][0], wanted[rows[i][0]])
        rows += list(wanted.items())[len(wanted) - change.added :]
        assert rows[-len(wanted) :] == list(wanted.items())


def test_difference_of_equal_tables_is_nothing() -> None:
    table = {1: candle(), 2: candle()}
    assert difference(table, dict(table)) == (False, [], 0)


def test_difference_finds_the_one_candle_that_moved() -> None:
    assert difference({1: candle(), 2: candle()}, {1: candle(), 2: candle(5)}) == (False, [1], 0)


def test_a_candle_that_is_final_now_has_changed_too() -> None:
    assert difference({1: candle(), 2: candle()}, {1: candle(), 2: candle(), 3: candle()}) == (False, [1], 1)


@pytest.mark.parametrize(
    "wanted", [{5: candle()}, {0: candle(), 1: candle()}, {1: candle(), 2: candle(), 3: candle()}]
)
def test_a_gap_or_a_candle_between_is_sent_whole(wanted: dict[int, Candle]) -> None:
    change = difference({1: candle(), 3: candle()}, wanted)
    assert change.whole
    assert change.added == len(wanted)


def columns(rows: dict[int, int], newest: int) -> dict[str, list[int]]:
    return {"key": list(rows), "value": list(rows.values()), "newest": [int(key == newest) for key in rows]}


def growing() -> Growing[int]:
    return Growing(("key", "value", "newest"), columns)


@given(
    st.lists(st.tuples(st.dictionaries(st.integers(0, 15), st.integers(0, 5), max_size=4), st.integers(0, 9)))
)
def test_the_source_holds_what_was_shown_last_after_any_flow(steps: list[tuple[dict[int, int], int]]) -> None:
    table, rows = growing(), {}
    for news, chance in steps:
        merged = rows | news
        rows = {} if chance == 0 else {key: merged[key] for key in sorted(merged)[-6:]}
        if chance == 1:
            table.forget()
        table.show(rows, whole=chance == 2)
        newest = max(rows, default=-1)
        assert {name: list(column) for name, column in table.source.data.items()} == columns(rows, newest)


def test_an_older_table_that_came_back_is_replaced() -> None:
    table = growing()
    table.show({1: 1})
    old = dict(table.source.data)
    table.show({1: 1, 2: 2})
    table.source.data = old
    table.show({1: 1, 2: 3})
    assert list(table.source.data["value"]) == [1, 3]
