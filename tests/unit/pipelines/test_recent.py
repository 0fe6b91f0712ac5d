import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import BTC, trades

from rtlab.errors import ConfigError
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.recent import Recent


def numbered(first: int, count: int) -> Frame:
    return trades([(number, number, 1, 0) for number in range(first, first + count)], first_seq=first)


def table(*rows: tuple[int, float]) -> Frame:
    start, value = zip(*rows, strict=True)
    return Frame("bars", BTC, {"start": np.array(start), "v": np.array(value, float)}, key="start")


def seqs(recent: Recent, rows: int | None = None) -> list[int]:
    return recent.to_pandas(rows)["seq"].tolist()


def values(recent: Recent) -> list[float]:
    return recent.to_pandas()["v"].tolist()


def test_before_the_first_frame_there_is_nothing():
    recent = Recent()
    assert recent.latest is None
    assert recent.to_pandas().empty


def test_the_last_rows_come_in_order():
    recent = Recent(4)
    for first in (1, 4, 7):
        recent.append(numbered(first, 3))
    assert seqs(recent) == [6, 7, 8, 9]
    assert seqs(recent, 2) == [8, 9]
    assert seqs(recent, 100) == [6, 7, 8, 9]
    assert recent.latest["seq"].tolist() == [7, 8, 9]


def test_frames_without_rows_are_not_kept():
    recent = Recent()
    recent.append(numbered(1, 2))
    recent.append(numbered(3, 0))
    assert recent.latest["seq"].tolist() == [1, 2]


def test_a_frame_larger_than_the_limit_is_cut_when_shown():
    recent = Recent(3)
    recent.append(numbered(1, 10))
    assert seqs(recent) == [8, 9, 10]


def test_frames_of_other_columns_do_not_mix():
    recent = Recent()
    recent.append(Frame("a", BTC, {"seq": np.array([99])}))
    recent.append(numbered(1, 2))
    assert seqs(recent) == [1, 2]


def test_rows_of_equal_key_are_replaced():
    recent = Recent()
    recent.append(table((0, 1.0)))
    recent.append(table((0, 2.0)))
    recent.append(table((0, 3.0), (10, 1.0)))
    recent.append(table((10, 5.0)))
    assert values(recent) == [3.0, 5.0]
    assert recent.rows == 2
    assert isinstance(recent.to_pandas().index, pd.DatetimeIndex)


def test_a_part_of_a_frame_is_replaced():
    recent = Recent()
    recent.append(table((0, 1.0), (10, 2.0), (20, 3.0)))
    recent.append(table((20, 4.0), (30, 5.0)))
    assert values(recent) == [1.0, 2.0, 4.0, 5.0]


def test_a_table_that_begins_again_replaces_everything():
    recent = Recent()
    recent.append(table((10, 1.0)))
    recent.append(table((20, 1.0)))
    recent.append(table((0, 9.0)))
    assert values(recent) == [9.0]


def test_updates_of_one_open_row_do_not_push_out_the_others():
    recent = Recent(3)
    recent.append(table((0, 1.0), (10, 1.0)))
    for number in range(1000):
        recent.append(table((20, float(number))))
    assert values(recent) == [1.0, 1.0, 999.0]


def test_a_table_after_rows_of_another_kind_begins_anew():
    recent = Recent()
    recent.append(numbered(1, 2))
    recent.append(table((0, 1.0)))
    assert values(recent) == [1.0]


@pytest.mark.parametrize("rows", [0, -1])
def test_a_number_of_rows_below_one_is_refused(rows):
    with pytest.raises(ConfigError, match="at least 1"):
        Recent(rows)
    with pytest.raises(ConfigError, match="at least 1"):
        Recent().to_pandas(rows)


@settings(deadline=None)
@given(st.integers(1, 30), st.lists(st.integers(0, 12), max_size=40))
def test_the_last_rows_are_there_and_memory_is_bounded(limit, sizes):
    recent, seq, largest = Recent(limit), 1, 0
    for size in sizes:
        recent.append(numbered(seq, size))
        seq, largest = seq + size, max(largest, size)
        assert recent.rows <= limit + largest
    expected = list(range(1, seq))[-limit:]
    assert (seqs(recent) if expected else []) == expected


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 8), st.floats(0, 1)), min_size=1, max_size=4), max_size=20))
def test_a_table_equals_a_dictionary_cut_at_the_first_key_of_each_change(changes):
    recent, expected = Recent(1000), {}
    for change in changes:
        rows = sorted(dict(change).items())
        recent.append(table(*rows))
        expected = {key: value for key, value in expected.items() if key < rows[0][0]} | dict(rows)
    assert (values(recent) if changes else []) == list(expected.values())
    assert recent.rows == len(expected)
