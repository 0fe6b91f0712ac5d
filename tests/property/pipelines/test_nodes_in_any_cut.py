"""Every node, however its rows are cut into frames, restarted and interleaved with those of others: the same bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_node import NODES, Running, frame, told
from support.frames import cut, cuts

row = st.tuples(
    st.integers(-15, 40),
    st.integers(1, 10**6),
    st.integers(1, 5),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 1),
)


def block(rows: list[tuple[int, ...]]) -> np.ndarray:
    found = np.array(rows, np.int64).reshape(-1, 6)
    found[:, 0] = 1000 + np.cumsum(found[:, 0])
    return found


blocks = st.lists(row, max_size=50).map(block)


def parts(channel: str, rows: np.ndarray, points: list[int], leg: int) -> list:
    seq, found = 1, []
    for piece in cut(rows, points):
        found.append(frame(channel, piece, seq, leg))
        seq += len(piece)
    return found


@pytest.mark.parametrize("name", NODES)
@settings(max_examples=8)
@given(st.data())
def test_any_cut_gives_the_same_bytes(name, data):
    spec = NODES[name]
    rows = [data.draw(blocks) for _ in spec.legs]
    whole, cut_up = Running(spec), Running(spec)
    for leg, channel in enumerate(spec.legs):
        whole.feed(leg, frame(channel, rows[leg], 1, leg))
    queues = [parts(channel, rows[n], data.draw(cuts), n) for n, channel in enumerate(spec.legs)]
    restart, out = data.draw(st.booleans()), []
    while any(queues):
        leg = data.draw(st.sampled_from([n for n, queue in enumerate(queues) if queue]))
        cut_up.feed(leg, queues[leg].pop(0))
        if restart:
            out += cut_up.out
            cut_up = Running(spec, cut_up.node.state())
    out += cut_up.out
    assert told(out) == told(whole.out)
    assert cut_up.node.state() == whole.node.state()
    assert cut_up.node.left_out == whole.node.left_out


@pytest.mark.parametrize("name", NODES)
def test_something_comes_out_of_a_long_day(name):
    """The property above would hold of a node that says nothing."""
    rng, spec = np.random.default_rng(5), NODES[name]
    running = Running(spec)
    for leg, channel in enumerate(spec.legs):
        steps = rng.integers(-3, 30, 400)
        prices = 10**6 + np.cumsum(rng.integers(-50, 51, 400))
        sizes = rng.integers(1, 10**5, (2, 400))
        rows = np.stack(
            [1000 + np.cumsum(steps), prices, rng.integers(1, 4, 400), *sizes, rng.integers(0, 2, 400)]
        )
        running.feed(leg, frame(channel, rows.T, 1, leg))
    assert sum(one.rows for one in running.out) > 3
