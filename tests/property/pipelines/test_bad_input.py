"""Bad input is named: what was expected, what came; the node and all others go on with what comes next."""

import numpy as np
import pytest
from support.every_node import NODES, Running, frame
from support.frames import BTC

from rtlab.errors import LocalError
from rtlab.pipelines import Frame, FrameSource

SINGLE = [name for name, spec in NODES.items() if len(spec.legs) == 1]


def rows_of(count: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps, prices = rng.integers(1, 30, count), 10**6 + np.cumsum(rng.integers(-50, 51, count))
    sizes = rng.integers(1, 10**5, (2, count))
    columns = [1000 + np.cumsum(steps), prices, rng.integers(1, 4, count), *sizes, rng.integers(0, 2, count)]
    return np.stack(columns, axis=1)


def with_column(given: Frame, name: str, column: np.ndarray) -> Frame:
    return Frame(given.channel, given.instrument, {**given.columns, name: column}, given.key)


def without(given: Frame, name: str) -> Frame:
    return Frame(given.channel, given.instrument, {n: c for n, c in given.columns.items() if n != name})


def push(running: Running, given: object) -> int:
    """Push a value that may be bad; give the failures that it made."""
    before = running.node.errors
    running.roots[0]._emit(given)
    return running.node.errors - before


@pytest.mark.parametrize("name", SINGLE)
def test_a_missing_column_is_named_and_what_follows_goes_on(name, caplog):
    spec = NODES[name]
    running, rows = Running(spec), rows_of(60)
    needed = sorted(getattr(running.node, "_needs", ()) or {"ts"} if name != "stale" else {"ts"})
    given = frame(spec.legs[0], rows[:30], 1)
    bad = without(given, needed[0])
    assert push(running, bad) == 1
    assert needed[0] in caplog.text
    running.roots[0]._emit(given)
    running.roots[0]._emit(frame(spec.legs[0], rows[30:], 31))
    assert running.node.errors == 1
    assert running.out


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("value", [None, 5, "rows", {"ts": [1]}, np.arange(3)])
def test_what_is_no_frame_is_told(name, value, caplog):
    running = Running(NODES[name])
    assert push(running, value) == 1
    assert "expected a frame with" in caplog.text


@pytest.mark.parametrize("name", ["ema", "rsi", "bollinger", "anomalies", "realized_volatility"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_left_out_and_change_nothing(name, bad):
    spec, rows = NODES[name], rows_of(80)
    clean, dirty = Running(spec), Running(spec)
    good = frame("trades", rows, 1)
    clean.feed(0, good)
    positions = [0, 7, 7, 30, 80]
    filled = {"price": bad, "ts": 0}
    columns = {}
    for column, values in good.columns.items():
        values = values.astype(float) if column == "price" else values
        columns[column] = np.insert(values, positions, filled.get(column, values[0]))
    columns["ts"] = np.insert(good["ts"], positions, good["ts"][[0, 7, 7, 30, 79]])
    dirty.feed(0, Frame("trades", BTC, columns))
    assert dirty.node.left_out == clean.node.left_out + 5
    for column in set(clean.out[0].columns) - {"ts", "seq", "start"}:
        got, expected = (np.concatenate([one[column] for one in run.out]) for run in (dirty, clean))
        assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", SINGLE)
def test_times_that_stand_still_or_run_backwards_raise_nothing(name):
    spec, rows = NODES[name], rows_of(60)
    still, back = rows.copy(), rows.copy()
    still[:, 0] = 5000
    back[:, 0] = back[::-1, 0]
    for block in (still, back):
        running = Running(spec)
        running.feed(0, frame(spec.legs[0], block, 1))
        assert running.node.left_out >= 0


@pytest.mark.parametrize("name", ["bars", "vwap in windows", "twap in windows", "in_order"])
def test_every_row_that_runs_backwards_is_counted(name):
    rows, running = rows_of(50), Running(NODES[name])
    rows[:, 0] = 100_000 - 1000 * np.arange(50)
    running.feed(0, frame("trades", rows, 1))
    assert running.node.left_out == 49


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("kind", ["U1", "M8[ns]", "bool"])
def test_columns_of_another_kind_are_refused_by_name(name, kind, caplog):
    spec = NODES[name]
    running, good = Running(spec), frame(spec.legs[0], rows_of(20), 1)
    needed = sorted(getattr(running.node, "_needs", ()) if name != "stale" else ())
    if name == "stale":
        return
    assert push(running, with_column(good, needed[-1], np.zeros(20, "i8").astype(kind))) == 1
    assert f"cannot fold the column {needed[-1]}" in caplog.text
    running.roots[0]._emit(frame(spec.legs[0], rows_of(60), 1))
    assert running.node.errors == 1


ON_TICKS = [name for name in SINGLE if "ticks" in getattr(Running(NODES[name]).node, "_needs", ())]


@pytest.mark.parametrize("name", ON_TICKS)
def test_ticks_that_are_no_whole_numbers_are_refused(name, caplog):
    running, good = Running(NODES[name]), frame("trades", rows_of(20), 1)
    assert push(running, with_column(good, "ticks", good["ticks"] + 0.5)) == 1
    assert "expected whole numbers, got float64" in caplog.text
    assert not running.out


def test_columns_of_unequal_length_make_no_frame():
    with pytest.raises(LocalError, match="do not fit together: expected one length"):
        Frame("trades", BTC, {"ts": np.arange(3), "ticks": np.arange(4)})


@pytest.mark.parametrize("rows", [[(1, 2.5, 3, 0)], [(1, "x", 3, 0)], [(1, 2, 3)], [(1, 2**70, 3, 0)]])
def test_rows_that_are_no_whole_numbers_are_refused_at_the_door(rows):
    with FrameSource(BTC, "trades") as source:
        if rows == [(1, 2.5, 3, 0)]:
            source.on_trades(np.array(rows, np.int64), 1)  # numpy was told to cut: that is the caller's word
            return
        with pytest.raises(LocalError, match="rows are"):
            source.on_trades(rows, 1)
        assert source.statistics().pending == 0


def test_one_node_that_always_fails_stops_no_other():
    with FrameSource(BTC, "trades") as source:
        broken = source.stream.map(lambda frame: 1 / 0)
        nodes = [source.stream.bars("1s"), source.stream.ema(3), source.stream.vwap()]
        for first in range(1, 101, 10):
            source.on_trades(rows_of(10, first)[:, [0, 1, 3, 5]], first)
            source.flush()
        assert broken.errors == 10
        assert [node.errors for node in nodes] == [0, 0, 0]
        assert nodes[2].to_frame()["seq"].tolist() == list(range(1, 101))
        assert {failure.error for failure in source.failures()} == {"ZeroDivisionError('division by zero')"}
