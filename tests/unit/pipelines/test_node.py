import numpy as np
import pandas as pd
import pytest
from streamz import Stream
from support.frames import BTC, SECOND, quotes, random_quotes, random_trades, trades

from rtlab.errors import ConfigError, LocalError, SourceError
from rtlab.model import Instrument
from rtlab.pipelines import Frame, FrameSource
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.node import FoldNode, LegsNode, floats, told
from rtlab.pipelines.stream import FrameStream, dismantle, root

TRADES = [(1 * SECOND, 1000, 5, 0), (int(1.5 * SECOND), 1010, 5, 1), (3 * SECOND, 990, 10, 0)]
QUOTES = [(1, 1, 1000, 30, 1004, 10), (2, 2, 0, 0, 1004, 10), (3, 3, 1001, 10, 1004, 10)]
NODES = {
    "bars": ("trades", ("1s",)),
    "vwap": ("trades", ()),
    "spread": ("ticker", ()),
    "microprice": ("ticker", ()),
    "order_flow_imbalance": ("ticker", ()),
}


def begun(channel: str = "trades") -> FrameStream:
    return root(channel, channel, OwnersLoop())


def node_of(name: str, **kwargs: object) -> tuple[FrameStream, FrameStream]:
    channel, arguments = NODES[name]
    stream = begun(channel)
    return stream, getattr(stream, name)(*arguments, **kwargs)


def frame_for(name: str) -> Frame:
    return trades(TRADES) if NODES[name][0] == "trades" else quotes(QUOTES)


def values(frame: Frame) -> dict[str, list]:
    return {name: column.tolist() for name, column in frame.columns.items()}


def test_bars_are_a_table_by_start_in_units():
    stream = begun()
    node = stream.bars("1s")
    stream._emit(trades(TRADES))
    assert node.latest_frame.key == "start"
    assert node.latest_frame.channel == "bars"
    assert values(node.latest_frame) == {
        "start": [SECOND, 3 * SECOND],
        "open": [100.0, 99.0],
        "high": [101.0, 99.0],
        "low": [100.0, 99.0],
        "close": [101.0, 99.0],
        "volume": [0.01, 0.01],
        "notional": [1.005, 0.99],
        "trades": [2, 1],
        "final": [True, False],
    }


def test_the_bars_of_a_day_are_one_dataframe_whatever_the_frames():
    rows = random_trades(11, 5000)
    stream = begun()
    node = stream.bars("1s")
    for first in range(0, 5000, 37):
        stream._emit(trades(rows[first : first + 37], first + 1))
    table = node.to_frame()
    prices = pd.Series(trades(rows)["price"], pd.DatetimeIndex(rows[:, 0], tz="UTC"))
    expected = prices.resample("1s").ohlc().dropna()
    assert len(table) > 40
    pd.testing.assert_frame_equal(
        table[["open", "high", "low", "close"]], expected, check_freq=False, check_names=False
    )
    assert table["final"].tolist() == [True] * (len(table) - 1) + [False]


def test_vwap_is_given_at_each_trade():
    stream = begun()
    node = stream.vwap()
    stream._emit(trades(TRADES, first_seq=5))
    assert values(node.latest_frame) == {
        "ts": [row[0] for row in TRADES],
        "seq": [5, 6, 7],
        "vwap": [100.0, 100.5, 99.75],
        "volume": [0.005, 0.01, 0.02],
        "notional": [0.5, 1.005, 1.995],
    }


def test_vwap_in_windows_tells_where_they_start():
    stream = begun()
    node = stream.vwap("1s")
    stream._emit(trades(TRADES))
    frame = node.latest_frame
    assert frame["start"].tolist() == [SECOND, SECOND, 3 * SECOND]
    assert frame["vwap"].tolist() == [100.0, 100.5, 99.0]


def test_spread_is_that_of_quotes_with_both_sides():
    stream = begun("ticker")
    node = stream.spread()
    stream._emit(quotes(QUOTES))
    assert values(node.latest_frame) == {
        "ts": [1, 3],
        "seq": [1, 3],
        "spread": [0.4, 0.3],
        "ticks": [4, 3],
        "mid": [100.2, 100.25],
    }
    assert node.left_out == 1


def test_microprice_leans_to_the_thinner_side():
    stream = begun("ticker")
    node = stream.microprice()
    stream._emit(quotes(QUOTES))
    frame = node.latest_frame
    assert frame["microprice"].tolist() == [100.3, 100.25]
    assert frame["mid"].tolist() == [100.2, 100.25]


def test_order_flow_imbalance_is_in_units_of_quantity():
    stream = begun("book")
    node = stream.order_flow_imbalance()
    stream._emit(quotes(QUOTES))
    frame = node.latest_frame
    assert frame["change"].tolist() == [0.0, -0.03, 0.01]
    assert frame["imbalance"].tolist() == [0.0, -0.03, -0.02]
    assert "start" not in frame.columns


def test_order_flow_imbalance_in_windows_tells_where_they_start():
    stream = begun("ticker")
    node = stream.order_flow_imbalance("2ns")
    stream._emit(quotes(QUOTES))
    assert node.latest_frame["start"].tolist() == [0, 2, 2]
    assert node.latest_frame["imbalance"].tolist() == [0.0, -0.03, -0.02]


@pytest.mark.parametrize("name", NODES)
def test_a_frame_without_rows_makes_none(name):
    stream, node = node_of(name)
    seen: list[Frame] = []
    node.sink(seen.append)
    stream._emit(frame_for(name).part(0, 0))
    assert (seen, node.latest_frame, node.errors) == ([], None, 0)
    stream._emit(frame_for(name))
    assert [frame.rows for frame in seen] == [node.latest_frame.rows]


@pytest.mark.parametrize("name", NODES)
def test_frames_of_one_row_give_the_same_rows_as_one_frame(name):
    whole, expected = node_of(name)
    whole._emit(frame_for(name))
    parts, found = node_of(name)
    for row in range(frame_for(name).rows):
        parts._emit(frame_for(name).part(row, row + 1))
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())


@pytest.mark.parametrize("name", NODES)
def test_no_value_is_ever_nan_or_infinite(name):
    stream, node = node_of(name)
    rows = random_trades(3, 300) if NODES[name][0] == "trades" else random_quotes(3, 300, empty=0.5)
    for first in range(0, 300, 7):
        part = rows[first : first + 7]
        stream._emit(trades(part) if NODES[name][0] == "trades" else quotes(part))
    table = node.to_frame()
    assert len(table) > 2
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()


@pytest.mark.parametrize("name", NODES)
def test_a_book_that_has_one_side_only_makes_no_nan(name):
    if NODES[name][0] == "trades":
        return
    stream, node = node_of(name)
    stream._emit(quotes([(1, 1, 1000, 5, 0, 0), (2, 2, 1001, 5, 0, 0), (3, 3, 0, 0, 0, 0)]))
    table = node.to_frame()
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
    assert len(table) + node.left_out == 3


@pytest.mark.parametrize("name", NODES)
def test_a_node_goes_on_from_its_state(name):
    stream, node = node_of(name)
    frame = frame_for(name)
    stream._emit(frame.part(0, 1))
    again_stream, again = node_of(name, state=node.state())
    for one in (stream, again_stream):
        one._emit(frame.part(1, None))
    pd.testing.assert_frame_equal(node.latest_frame.to_pandas(), again.latest_frame.to_pandas())
    assert node.state() == again.state()


@pytest.mark.parametrize("name", NODES)
def test_the_state_of_another_node_is_refused(name):
    other = "vwap" if name != "vwap" else "bars"
    with pytest.raises(SourceError):
        node_of(name, state=node_of(other)[1].state())


@pytest.mark.parametrize(
    ("name", "channel"), [("bars", "trades"), ("vwap", "trades"), ("order_flow_imbalance", "ticker")]
)
def test_the_state_of_another_interval_is_refused(name, channel):
    state = getattr(begun(channel), name)("1s").state()
    with pytest.raises(ConfigError, match="made otherwise: expected interval_ns=5000000000"):
        getattr(begun(channel), name)("5s", state=state)


@pytest.mark.parametrize("name", ["bars", "vwap", "order_flow_imbalance"])
def test_an_interval_that_is_not_understood_leaves_no_node_behind(name):
    stream = begun(NODES[name][0])
    with pytest.raises(ConfigError, match="100ms"):
        getattr(stream, name)("soon")
    assert list(stream.downstreams) == []


@pytest.mark.parametrize("name", NODES)
def test_a_stream_of_another_channel_is_refused_at_once(name):
    wrong = begun("ticker" if NODES[name][0] == "trades" else "trades")
    with pytest.raises(LocalError, match=f"{name} cannot fold this stream"):
        getattr(wrong, name)(*NODES[name][1])
    assert list(wrong.downstreams) == []


def test_the_output_of_a_node_is_no_input_for_another():
    with pytest.raises(LocalError, match="expected trades or in_order or asof, got bars"):
        begun().bars("1s").vwap()


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("value", [5, None, Frame("x", BTC, {"ts": np.array([1])})])
def test_a_value_that_is_no_such_frame_is_logged_and_stops_nothing(name, value, caplog):
    stream = begun("x")
    stream.channel = None
    node = getattr(stream, name)(*NODES[name][1])
    stream._emit(value)
    stream._emit(frame_for(name))
    assert f"{name} cannot fold this" in caplog.text
    assert (node.errors, node.latest_frame is not None) == (1, True)


def test_nodes_follow_streamz_own_nodes():
    stream = begun()
    node = stream.filter(lambda frame: frame.rows > 1).bars("1s")
    stream._emit(trades(TRADES))
    assert node.latest_frame.rows == 2


@pytest.mark.parametrize("name", NODES)
def test_nodes_are_methods_of_every_streamz_stream_and_documented(name):
    assert callable(getattr(Stream, name))
    assert len(getattr(Stream, name).__doc__) > 50


def test_late_trades_are_counted_by_the_node():
    stream = begun()
    bars, vwap = stream.bars("1s"), stream.vwap("1s")
    stream._emit(trades(TRADES))
    stream._emit(trades([(1, 5000, 1, 0)], 4))
    assert (bars.left_out, vwap.left_out) == (1, 1)
    assert bars.to_frame()["high"].max() == 101.0


def test_from_trades_to_a_chart_in_three_lines():
    with FrameSource(BTC, "trades") as source:
        bars = source.stream.bars("1s")
        source.on_trades(TRADES, 1)
        source.flush()
        assert bars.to_frame()["close"].tolist() == [101.0, 99.0]


class Sum:
    """A fold of one number: the sum of all ticks so far."""

    left_out = 0

    def __init__(self, scale: int = 1, total: int = 0) -> None:
        self.parameters, self.total = {"scale": scale}, total

    def state(self) -> bytes:
        return f"{self.parameters['scale']} {self.total}".encode()

    @classmethod
    def restore(cls, state: bytes) -> "Sum":
        return cls(*map(int, state.split()))

    def fold(self, ticks: np.ndarray) -> np.ndarray:
        sums = self.total + np.cumsum(ticks * self.parameters["scale"])
        self.total = int(sums[-1]) if ticks.size else self.total
        return sums


def sum_node(stream: FrameStream, scale: int = 1, state: bytes | None = None) -> FoldNode:
    def columns(fold: Sum, frame: Frame) -> dict[str, np.ndarray]:
        return {"ts": frame["ts"], "sum": fold.fold(frame["ticks"])}

    return FoldNode(stream, "sum", ("ts", "ticks"), Sum(scale), columns, state=state, unit="tick")


def test_a_fold_of_ones_own_is_a_node():
    stream = begun()
    node = sum_node(stream)
    stream._emit(trades(TRADES))
    assert node.latest_frame["sum"].tolist() == [1000, 2010, 3000]
    assert node.parameters == {"scale": 1, "unit": "tick"}
    assert told(node.parameters) == "scale=1, unit='tick'"


def test_a_fold_of_ones_own_goes_on_and_refuses_another_scale():
    again = begun()
    node = sum_node(again, state=b"1 5000")
    again._emit(trades(TRADES))
    assert node.latest_frame["sum"].tolist() == [6000, 7010, 8000]
    with pytest.raises(
        ConfigError, match="a saved state of sum was made otherwise: expected scale=2, got scale=1"
    ):
        sum_node(begun(), 2, state=b"1 5000")


def test_a_node_of_several_streams_tells_its_legs_apart():
    left, right = begun(), begun()

    def columns(fold: Sum, leg: int, frame: Frame) -> dict[str, np.ndarray]:
        return {"ts": frame["ts"], "leg": np.full(frame.rows, leg), "sum": fold.fold(frame["ticks"])}

    node = LegsNode([left, right], "sums", [("ticks",), ("ticks",)], Sum(), columns)
    right._emit(trades(TRADES[:1], instrument=Instrument("ETH-USD", "0.1", "0.1")))
    assert node.latest_frame.instrument.symbol == "ETH-USD"
    left._emit(trades(TRADES[1:2]))
    right._emit(trades(TRADES[2:], instrument=Instrument("ETH-USD", "0.1", "0.1")))
    assert node.latest_frame.instrument == BTC
    table = node.to_frame()
    assert table["leg"].tolist() == [1, 0, 1]
    assert table["sum"].tolist() == [1000, 2010, 3000]
    assert node.state() == b"1 3000"
    dismantle(left)
    assert node.upstreams
    dismantle(right)
    assert not node.upstreams


def test_numbers_of_any_kind_are_floats_and_texts_are_not():
    frame = Frame("x", BTC, {"a": np.array([1, 2], np.int8), "b": np.array(["x", "y"])})
    assert floats(frame, "a").dtype == np.float64
    with pytest.raises(LocalError, match="the column b holds no numbers"):
        floats(frame, "b")
