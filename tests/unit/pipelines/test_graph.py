import gc
import weakref

import numpy as np
import pytest
from support.every_node import ETH
from support.frames import BTC, random_quotes, random_trades, trades

from rtlab.errors import ConfigError, LocalError, SourceError
from rtlab.pipelines import Graph

ROWS = random_trades(3, 3000)


def analytics(stream):
    bars = stream.bars("1s")
    return {"bars": bars, "vwap": stream.vwap("1s"), "fast": bars.ema(3), "slow": bars.ema(9)}


def other_span(stream):
    bars = stream.bars("1s")
    return {"bars": bars, "vwap": stream.vwap("1s"), "fast": bars.ema(4), "slow": bars.ema(9)}


def without_vwap(stream):
    bars = stream.bars("1s")
    return {"bars": bars, "fast": bars.ema(3), "slow": bars.ema(9)}


def with_more(stream):
    return {**analytics(stream), "spread": stream.realized_volatility("1s")}


def doubled(frame):
    return frame.part(0, None)


def mapped(stream):
    return {"vwap": stream.map(doubled).vwap()}


def pushed(running, first: int = 0, end: int = 3000, step: int = 100) -> dict[str, list]:
    """Push rows; give all rows that came, by output, as plain values."""
    found: dict[str, list] = {}
    for start in range(first, end, step):
        for name, frames in running.push(trades(ROWS[start : min(start + step, end)], start + 1)).items():
            for frame in frames:
                found.setdefault(name, []).extend(
                    zip(*(c.tolist() for c in frame.columns.values()), strict=True)
                )
    return found


def state_after(build, rows: int = 1000) -> bytes:
    with Graph(build).begin(BTC) as running:
        pushed(running, 0, rows)
        return running.state()


def test_what_came_is_given_by_the_name_of_its_output():
    with Graph(analytics).begin(BTC) as running:
        came = running.push(trades(ROWS[:1500]))
        assert set(came) == {"bars", "vwap", "fast", "slow"}
        assert came["vwap"][0].rows == 1500
        assert running.push(trades(ROWS[:0])) == {}


def test_a_graph_goes_on_exactly_from_its_state():
    whole, first = Graph(analytics).begin(BTC), Graph(analytics).begin(BTC)
    expected, got = pushed(whole), pushed(first, 0, 1300)
    second = Graph(analytics).begin(BTC, first.state())
    for name, rows in pushed(second, 1300).items():
        got[name] += rows
    assert got == expected
    assert second.state() == whole.state()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (other_span, "ema has changed since its state was saved: expected column='close', period=4"),
        (without_vwap, "the saved state has vwap, which the graph has not"),
        (with_more, "the saved state has no realized_volatility"),
    ],
)
def test_what_does_not_fit_is_named(build, message):
    with pytest.raises(ConfigError, match=message):
        Graph(build).begin(BTC, state_after(analytics))


def test_the_second_of_two_nodes_has_a_number():
    def swapped(stream):
        bars = stream.bars("1s")
        return {"bars": bars, "vwap": stream.vwap("1s"), "fast": bars.ema(3), "slow": bars.ema(10)}

    with pytest.raises(ConfigError, match="ema 2 has changed"):
        Graph(swapped).begin(BTC, state_after(analytics))


def test_a_node_may_begin_anew_or_be_dropped_or_take_the_memory_of_another():
    state = state_after(analytics)
    anew = Graph(other_span).begin(BTC, state, migrate={"ema": None})
    assert anew.outputs["fast"].fold.memory.last == ()
    assert anew.outputs["slow"].fold.memory.last != ()
    Graph(without_vwap).begin(BTC, state, migrate={"vwap": None})
    Graph(with_more).begin(BTC, state, migrate={"realized_volatility": None})

    def renamed(stream):
        bars = stream.bars("1s")
        return {"bars": bars, "vwap": stream.vwap("1s"), "fast": bars.ema(9), "slow": bars.ema(3)}

    moved = Graph(renamed).begin(BTC, state, migrate={"ema": "ema 2", "ema 2": "ema"})
    assert moved.outputs["fast"].parameters["period"] == 9


def test_a_function_may_migrate_the_memory_of_a_node():
    seen = []

    def keep(memory: bytes) -> bytes:
        seen.append(memory)
        return memory

    with Graph(analytics).begin(BTC, state_after(analytics), migrate={"bars": keep}) as running:
        assert running.outputs["bars"].state() == seen[0]


def test_a_memory_that_a_migration_spoilt_is_told_by_name():
    with pytest.raises(SourceError, match="bars cannot go on: a saved state is damaged"):
        Graph(analytics).begin(BTC, state_after(analytics), migrate={"bars": lambda memory: memory[:-1]})


def test_code_that_changed_is_refused_by_the_name_of_the_function():
    state = state_after(mapped)

    def also(stream):
        def doubled(frame):
            return frame.part(1, None)

        return {"vwap": stream.map(doubled).vwap()}

    with pytest.raises(ConfigError, match="map doubled has changed since its state was saved: expected code"):
        Graph(also).begin(BTC, state)
    with Graph(also).begin(BTC, state, migrate={"map doubled": None}) as running:
        assert running.outputs["vwap"].fold._lots > 0


def test_another_graph_version_or_instrument_is_refused():
    state = state_after(analytics)
    others = [(Graph(analytics, name="x"), BTC), (Graph(analytics, version=2), BTC), (Graph(analytics), ETH)]
    for graph, instrument in others:
        with pytest.raises(ConfigError, match="a saved graph is another one"):
            graph.begin(instrument, state)
    Graph(analytics, version=2).begin(BTC, state, migrate={"graph": None}).close()


@pytest.mark.parametrize("cut", [0, 3, 50])
def test_a_damaged_state_is_refused(cut):
    state = state_after(analytics)
    with pytest.raises(SourceError, match="damaged"):
        Graph(analytics).begin(BTC, state[:cut])
    with pytest.raises(SourceError, match="damaged"):
        Graph(analytics).begin(BTC, state[:-5] + b"12345")


def test_a_node_whose_memory_cannot_be_saved_is_named():
    def summed(stream):
        return {"sum": stream.map(lambda frame: frame.rows).accumulate(lambda total, rows: total + rows)}

    with (
        Graph(summed).begin(BTC) as running,
        pytest.raises(LocalError, match="the memory of accumulate"),
    ):
        running.state()


def test_a_function_that_gives_no_streams_is_refused():
    for given in (None, 5, {"bars": 5}):
        with pytest.raises(ConfigError, match="gives its streams by name"):
            Graph(lambda stream, given=given: given).begin(BTC)


def test_a_frame_of_another_instrument_is_refused():
    with (
        Graph(analytics).begin(BTC) as running,
        pytest.raises(LocalError, match="expected BTC-USD, got ETH-USD"),
    ):
        running.push(trades(ROWS[:5], instrument=ETH))


def test_an_asynchronous_function_is_refused_where_frames_are_pushed(caplog):
    async def slow(frame):
        return frame

    def build(stream):
        return {"slow": stream.map_async(slow)}

    running = Graph(build).begin(BTC)
    running.push(trades(ROWS[:5]))
    assert running.errors == 1
    assert "needs a running event loop" in running.failures[0].error
    running.close()


def test_a_function_that_fails_is_counted_and_the_others_go_on():
    def build(stream):
        return {"vwap": stream.vwap(), "broken": stream.map(lambda frame: 1 / 0)}

    with Graph(build).begin(BTC) as running:
        came = running.push(trades(ROWS[:5]))
        assert set(came) == {"vwap"}
        assert running.errors == 1
        assert "ZeroDivisionError" in running.failures[0].error


def test_a_closed_graph_is_gone():
    running = Graph(analytics).begin(BTC)
    node = weakref.ref(running.outputs["bars"])
    running.close()
    running.close()
    del running
    gc.collect()
    assert node() is None


def test_a_graph_draws_itself_before_it_runs_and_while():
    names = [node.name for node in Graph(analytics).visualize().nodes]
    assert {"bars", "vwap", "ema"} <= set(names)
    with Graph(analytics).begin(BTC) as running:
        running.push(trades(ROWS[:50]))
        assert running.visualize().nodes[0].rows == 50


def test_quotes_have_graphs_too():
    from support.frames import quotes

    with Graph(lambda ticker: {"mid": ticker.midprice()}, channel="ticker").begin(BTC) as running:
        came = running.push(quotes(random_quotes(1, 50, empty=0)))
        assert np.isfinite(came["mid"][0]["mid"]).all()
