import numpy as np
import pytest
from support.frames import BTC, random_trades, trades

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root


def begun():
    return root("trades", "trades", OwnersLoop())


def test_every_column_comes_back_as_it_was_in_order():
    stream, rows, seen = begun(), random_trades(5, 500, jitter=10**9), []
    node = stream.in_order("2s")
    node.sink(seen.append)
    for first in range(0, 500, 50):
        stream._emit(trades(rows[first : first + 50], first + 1))
    node.finish()
    whole = trades(rows)
    order = np.argsort(whole["ts"], kind="stable")
    for name, column in whole.columns.items():
        got = np.concatenate([one[name] for one in seen])
        assert got.dtype == column.dtype
        assert got.tolist() == column[order].tolist()
    assert node.left_out == 0
    assert node.finish() == []


def test_nodes_below_see_no_late_row():
    stream, rows = begun(), random_trades(5, 2000, jitter=10**9)
    late, ordered = stream.bars("1s"), stream.in_order("1s").bars("1s")
    for first in range(0, 2000, 50):
        stream._emit(trades(rows[first : first + 50], first + 1))
    assert late.left_out > 0
    assert ordered.left_out == 0


def test_what_is_later_than_allowed_is_dropped_and_counted():
    stream = begun()
    node = stream.in_order("10ns")
    stream._emit(trades([(100, 1, 1, 0), (80, 1, 1, 0), (120, 1, 1, 0)]))
    assert node.left_out == 1
    assert node.latest_frame["ts"].tolist() == [100]


def test_frames_of_other_columns_are_told(caplog):
    stream = begun()
    node = stream.in_order()
    stream._emit(trades([(100, 1, 1, 0)]))
    stream._emit(Frame("trades", BTC, {"ts": np.array([101])}))
    stream._emit(Frame("trades", BTC, {"ts": np.array(["now"])}))
    assert node.errors == 2
    assert "different columns" in caplog.text


def test_a_lateness_that_is_not_understood_is_refused():
    with pytest.raises(ConfigError, match="100ms"):
        begun().in_order("a while")
