import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import BTC, cut, cuts, random_trades, trades

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, root


def begun() -> FrameStream:
    return root("x", "trades", OwnersLoop())


@given(cuts, st.integers(1, 60))
def test_the_last_rows_are_emitted_with_each_frame(points, rows):
    stream, every, seen = begun(), random_trades(1, 50), []
    stream.window(rows).sink(seen.append)
    came = 0
    for part in cut(every, points):
        stream._emit(trades(part, came + 1))
        came += len(part)
        assert seen[-1]["seq"].tolist() == list(range(max(0, came - rows) + 1, came + 1))


def test_the_last_interval_is_emitted_and_its_bound_counted():
    stream, seen = begun(), []
    node = stream.window(interval="10ns", limit=3)
    node.sink(seen.append)
    stream._emit(trades([(ts, 1, 1, 0) for ts in (0, 5, 8, 12)]))
    assert seen[-1]["ts"].tolist() == [5, 8, 12]
    stream._emit(trades([(13, 1, 1, 0), (14, 1, 1, 0)]))
    assert seen[-1]["ts"].tolist() == [12, 13, 14]
    assert node.dropped == 2


def test_a_window_feeds_the_same_nodes_as_its_stream():
    stream = begun()
    node = stream.window(3).vwap()
    stream._emit(trades(random_trades(1, 5)))
    assert node.latest_frame.rows == 3


@pytest.mark.parametrize(
    "bad", [{}, {"rows": 5, "interval": "1s"}, {"rows": 0}, {"rows": 10**9}, {"interval": "1s", "limit": 0}]
)
def test_a_window_without_a_bound_cannot_be_built(bad):
    with pytest.raises(ConfigError, match="a window"):
        begun().window(**bad)


def test_what_is_no_frame_or_of_other_columns_is_told(caplog):
    stream = begun()
    node = stream.window(3)
    stream._emit(trades(random_trades(1, 2)))
    stream._emit(5)
    stream._emit(Frame("x", BTC, {"ts": np.array([1])}))
    assert node.errors == 2
    assert "frames do not fit together" in caplog.text
