"""Graphs of any nodes in any order: stopped, saved, gone on with, cut into any frames; one branch that fails."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_node import told
from support.frames import BTC, cut, cuts, trade_rows, trades

from rtlab.pipelines import Frame, Graph
from rtlab.pipelines.stream import FrameStream

Step = Callable[[FrameStream], FrameStream]

ON_TRADES: dict[str, Step] = {
    "bars": lambda s: s.bars("20ns"),
    "vwap": lambda s: s.vwap("50ns"),
    "twap": lambda s: s.twap("50ns"),
    "order": lambda s: s.in_order("15ns"),
    "filtered": lambda s: s.filter(lambda frame: frame.rows != 3),
    "halved": lambda s: s.map(lambda frame: frame.part(0, frame.rows // 2)),
    "ticks": lambda s: s.tick_bars(4),
    "sign": lambda s: s.trade_sign("tick"),
}
ON_ANY: dict[str, Step] = {
    "ema": lambda s: s.ema(3, "vwap" if s.channel == "vwap" else None),
    "bands": lambda s: s.bollinger(3, 2.0),
    "odd": lambda s: s.anomalies(1.0, 3),
    "volatility": lambda s: s.realized_volatility(),
}
HAVE_PRICES = ("bars", "vwap", "twap", "order", "ticks")
thens = st.lists(st.sampled_from(sorted(ON_ANY)), max_size=2)
plans = st.lists(st.tuples(st.sampled_from(sorted(ON_TRADES)), thens), min_size=1, max_size=4)
Outcome = tuple[dict[str, dict[str, bytes]], bytes, int]


def built(plan: list[tuple[str, list[str]]], *, broken: bool = False) -> Graph:
    def build(stream: FrameStream) -> dict[str, FrameStream]:
        outputs = {}
        for number, (first, then) in enumerate(plan):
            node = ON_TRADES[first](stream)
            outputs[f"{number} {first}"] = node
            for name in then if first in HAVE_PRICES else ():
                outputs[f"{number} {first} {name}"] = ON_ANY[name](node)
        if broken:
            outputs["broken"] = stream.map(lambda frame: 1 / 0)
        return outputs

    return Graph(build)


def run(graph: Graph, rows: np.ndarray, points: list[int], *, restart: bool) -> Outcome:
    running, came, first, errors = graph.begin(BTC), {}, 1, 0
    for part in cut(rows, points):
        for name, frames in running.push(trades(part, first)).items():
            came.setdefault(name, []).extend(frames)
        first += len(part)
        if restart:
            errors += running.errors
            running = graph.begin(BTC, running.state())
    found: dict[str, list[Frame]] = came
    return {name: told(frames) for name, frames in found.items()}, running.state(), errors + running.errors


@settings(max_examples=15)
@given(plans, trade_rows(), cuts)
def test_a_restart_after_every_frame_changes_nothing(plan, rows, points):
    rows = rows + np.array([0, 1, 1, 0])
    graph = built(plan)
    assert run(graph, rows, points, restart=True) == run(graph, rows, points, restart=False)


@settings(max_examples=12)
@given(plans, trade_rows(), cuts)
def test_a_branch_that_always_fails_changes_no_other(plan, rows, points):
    rows = rows + np.array([0, 1, 1, 0])
    whole, _, errors = run(built(plan), rows, points, restart=False)
    hurt, _, more = run(built(plan, broken=True), rows, points, restart=False)
    assert hurt == whole
    assert more == errors + len(list(cut(rows, points)))


@settings(max_examples=12)
@given(plans, trade_rows())
def test_the_names_of_nodes_are_those_of_the_drawing_and_never_twice(plan, rows):
    with built(plan).begin(BTC) as running:
        running.push(trades(rows + np.array([0, 1, 1, 0])))
        names = list(running._nodes)
        assert len(names) == len(set(names))
        drawn = [node.name for node in running.visualize().nodes if not node.name.startswith("sink")]
        assert len(drawn) == len(names) + 1
        assert running.visualize().nodes[0].rows == len(rows)
