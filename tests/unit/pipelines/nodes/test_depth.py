import numpy as np
import pytest
from support.frames import BTC

from rtlab.errors import LocalError
from rtlab.pipelines import Frame, depth_frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.nodes.depth import levels_of
from rtlab.pipelines.stream import root

# two levels: bid 100x5, 98x7 and ask 102x3, 103x4
BOOK = np.array([[1, 1, 100, 5, 102, 3, 98, 7, 103, 4]], np.int64)


def test_the_profile_is_named_by_its_distances():
    stream = root("depth", "depth", OwnersLoop())
    node = stream.depth_profile([1, 3])
    stream._emit(depth_frame(BTC, BOOK, 2))
    found = {name: column.tolist() for name, column in node.latest_frame.columns.items()}
    assert found == {
        "ts": [1],
        "seq": [1],
        "bid_within_1": [0.005],
        "ask_within_1": [0.003],
        "bid_within_3": [0.012],
        "ask_within_3": [0.007],
    }


def test_the_pressure_of_quotes_and_of_deeper_books():
    stream = root("depth", "depth", OwnersLoop())
    node = stream.book_pressure(0.5)
    stream._emit(depth_frame(BTC, BOOK, 2))
    assert node.latest_frame["pressure"].tolist() == [(8.5 - 5) / (8.5 + 5)]


def test_a_level_that_lacks_a_column_is_named():
    frame = depth_frame(BTC, BOOK, 2)
    columns = {name: column for name, column in frame.columns.items() if name != "ask_ticks_1"}
    with pytest.raises(LocalError, match="ask_ticks_1"):
        levels_of(Frame("depth", BTC, columns))


def test_rows_of_another_width_are_refused():
    with pytest.raises(LocalError, match="14 wide"):
        depth_frame(BTC, BOOK, 3)
