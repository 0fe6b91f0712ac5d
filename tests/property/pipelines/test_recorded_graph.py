"""A graph over a recorded day, stopped and gone on with anywhere: the same rows as its nodes on the whole day."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_node import told
from support.frames import cut, trades
from support.recorded_rows import day

from rtlab.pipelines import Frame, Graph

pytestmark = pytest.mark.recorded


def analytics(stream):
    bars = stream.bars("1s")
    return {
        "bars": bars,
        "vwap": stream.vwap("1m"),
        "bands": bars.bollinger(10),
        "volatility": stream.realized_volatility("1m"),
        "volume": stream.volume_bars(5000),
        "sign": stream.in_order("10ms").trade_sign("tick"),
    }


def run(
    name: str, rows: np.ndarray, cuts: list[int], *, restart: bool
) -> tuple[dict[str, dict[str, bytes]], bytes]:
    instrument, came, first = day(name).instrument, {}, 1
    running = Graph(analytics).begin(instrument)
    for part in cut(rows, cuts):
        for output, frames in running.push(trades(part, first, instrument)).items():
            came.setdefault(output, []).extend(frames)
        first += len(part)
        if restart:
            running = Graph(analytics).begin(instrument, running.state())
    assert running.errors == 0
    found: dict[str, list[Frame]] = came
    return {output: told(frames) for output, frames in found.items()}, running.state()


@pytest.mark.parametrize("name", ["btc", "amzn"])
@settings(max_examples=2)
@given(st.data())
def test_a_recorded_day_through_a_graph(name, data):
    rows = day(name).trades[:4000]
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=10))
    whole, state = run(name, rows, [], restart=False)
    assert len(whole) == 6
    assert run(name, rows, cuts, restart=True) == (whole, state)
