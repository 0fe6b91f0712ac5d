"""However rows come and wherever the graph ends: what is in files is each final row once, in order."""

import tempfile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import cut, cuts, trade_rows, trades

from rtlab.pipelines import read_frames
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import dismantle, root


@settings(max_examples=10)
@given(trade_rows().filter(len), cuts, st.integers(1, 30))
def test_trades(rows, points, size):
    with tempfile.TemporaryDirectory() as folder:
        stream, first = root("trades", "trades", OwnersLoop()), 1
        node = stream.to_store(folder, rows_per_file=size)
        for part in cut(rows, points):
            stream._emit(trades(part, first))
            first += len(part)
            assert node.written + node.waiting == first - 1
        dismantle(stream)
        table = read_frames(folder, "trades", "BTC-USD")
        assert table.column("seq").to_pylist() == list(range(1, len(rows) + 1))
        assert table.column("ticks").to_pylist() == rows[:, 1].tolist()
        assert (node.written, node.waiting, node.dropped) == (len(rows), 0, 0)


@settings(max_examples=10)
@given(trade_rows(), cuts, st.integers(1, 10), st.integers(1, 40))
def test_bars(rows, points, size, interval):
    with tempfile.TemporaryDirectory() as folder:
        stream, first = root("trades", "trades", OwnersLoop()), 1
        bars = stream.bars(f"{interval}ns").keep(1000)
        node = bars.to_store(folder, rows_per_file=size)
        for part in cut(rows, points):
            stream._emit(trades(part, first))
            first += len(part)
        table = bars.to_frame()
        dismantle(stream)
        final = table[table["final"]] if len(table) else table
        assert node.written == len(final)
        if len(final):
            stored = read_frames(folder, "bars", "BTC-USD")
            assert stored.column("trades").to_pylist() == final["trades"].tolist()
            assert np.all(np.diff(stored.column("start").to_numpy()) > 0)
