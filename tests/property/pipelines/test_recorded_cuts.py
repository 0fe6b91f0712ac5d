"""A recorded day in any frames: each node gives the same bytes, whatever the cuts and wherever it was restarted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_node import told
from support.frames import cut, quotes, trades
from support.recorded_rows import day

from rtlab.pipelines import Frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root

pytestmark = pytest.mark.recorded
SOME = slice(2000, 3500)
NODES = {
    "bars": ("trades", ("1s",)),
    "tick_bars": ("trades", (50,)),
    "volume_bars": ("trades", (10_000,)),
    "vwap": ("trades", ("1s",)),
    "twap": ("trades", ("1s",)),
    "ema": ("trades", (20,)),
    "rsi": ("trades", (14,)),
    "bollinger": ("trades", (20,)),
    "realized_volatility": ("trades", ("10s",)),
    "in_order": ("trades", ("5ms",)),
    "order_flow_imbalance": ("ticker", ("1s",)),
    "microprice": ("ticker", ()),
}


def frame_of(name: str, channel: str, rows: np.ndarray, first: int) -> Frame:
    instrument = day(name).instrument
    return trades(rows, first, instrument) if channel == "trades" else quotes(rows, instrument)


@pytest.mark.parametrize("name", ["btc", "amzn"])
@pytest.mark.parametrize("node", NODES)
@settings(max_examples=2)
@given(st.data())
def test_a_recorded_day_in_any_cut(name, node, data):
    channel, arguments = NODES[node]
    rows = (day(name).trades if channel == "trades" else day(name).quotes)[SOME]
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=12))
    restart = data.draw(st.integers(0, 12))
    streams = [root(channel, channel, OwnersLoop()) for _ in range(2)]
    whole, other = (getattr(stream, node)(*arguments) for stream in streams)
    expected: list[Frame] = []
    got: list[Frame] = []
    whole.sink(expected.append)
    other.sink(got.append)
    streams[0]._emit(frame_of(name, channel, rows, 1))
    came, stream = 0, streams[1]
    for number, part in enumerate(cut(rows, cuts)):
        stream._emit(frame_of(name, channel, part, came + 1))
        came += len(part)
        if number == restart:
            stream = root(channel, channel, OwnersLoop())
            other = getattr(stream, node)(*arguments, state=other.state())
            other.sink(got.append)
    assert told(got) == told(expected)
    assert other.state() == whole.state()
