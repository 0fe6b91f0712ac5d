from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import BTC, quotes, trades

from rtlab.errors import LocalError
from rtlab.model import Instrument
from rtlab.pipelines.frame import Frame, depth_frame, quote_frame, units

ROWS = [(1_000_000_000, 1000, 5, 0), (2_500_000_000, 1003, 1, 1)]


def test_trades_have_units_and_whole_numbers_side_by_side():
    frame = trades(ROWS, first_seq=7)
    assert list(frame.columns) == ["ts", "seq", "price", "qty", "side", "ticks", "lots"]
    assert frame["ts"].tolist() == [1_000_000_000, 2_500_000_000]
    assert frame["seq"].tolist() == [7, 8]
    assert frame["price"].tolist() == [100.0, 100.3]
    assert frame["qty"].tolist() == [0.005, 0.001]
    assert frame["side"].tolist() == [0, 1]
    assert (frame["ticks"].tolist(), frame["lots"].tolist()) == ([1000, 1003], [5, 1])
    assert [frame[name].dtype.name for name in frame.columns] == [
        "int64",
        "int64",
        "float64",
        "float64",
        "int8",
        "int64",
        "int64",
    ]


def test_quotes_have_units_and_whole_numbers_side_by_side():
    frame = quotes([(1, 9, 1000, 5, 1003, 2)])
    values = {name: column.tolist()[0] for name, column in frame.columns.items()}
    assert values == {
        "ts": 1,
        "seq": 9,
        "bid": 100.0,
        "bid_qty": 0.005,
        "ask": 100.3,
        "ask_qty": 0.002,
        "bid_ticks": 1000,
        "bid_lots": 5,
        "ask_ticks": 1003,
        "ask_lots": 2,
    }


@pytest.mark.parametrize("frame", [trades([]), quotes([])])
def test_a_frame_without_rows_has_all_columns_and_their_types(frame):
    assert frame.rows == 0
    assert frame["ts"].dtype == np.int64
    assert len(frame.to_pandas()) == 0
    assert list(frame.to_pandas().columns) == [name for name in frame.columns if name != "ts"]


def test_a_frame_of_no_columns_has_no_rows():
    assert Frame("x", BTC, {}).rows == 0


def test_columns_cannot_be_written_and_the_callers_array_still_can():
    mine = np.arange(3)
    frame = Frame("x", BTC, {"a": mine})
    with pytest.raises(ValueError, match="read-only"):
        frame["a"][0] = 5
    mine[0] = 5


def test_a_frame_cannot_be_changed():
    with pytest.raises(AttributeError):
        trades(ROWS).channel = "x"


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(LocalError, match="do not fit"):
        Frame("x", BTC, {"a": np.arange(3), "b": np.arange(2)})
    with pytest.raises(LocalError, match="do not fit"):
        Frame("x", BTC, {"a": np.zeros((2, 2))})


def test_a_key_must_be_a_column():
    with pytest.raises(LocalError, match="no key column"):
        Frame("x", BTC, {"a": np.arange(3)}, key="start")


def test_a_frame_says_briefly_what_it_is():
    assert repr(trades(ROWS, 7)) == "<Frame trades BTC-USD, 2 rows, seq 7 to 8, ts 1000000000 to 2500000000>"
    assert repr(trades([])) == "<Frame trades BTC-USD, 0 rows>"


def test_a_part_shares_memory():
    frame = trades(ROWS)
    part = frame.part(1, None)
    assert part["price"].tolist() == [100.3]
    assert np.shares_memory(part["price"], frame["price"])
    assert (part.channel, part.instrument, part.key) == (frame.channel, frame.instrument, frame.key)


def test_a_dataframe_is_indexed_by_time_in_utc():
    table = trades(ROWS).to_pandas()
    assert table.index.name == "ts"
    assert table.index.tolist() == [
        pd.Timestamp(1, unit="s", tz="UTC"),
        pd.Timestamp(2.5, unit="s", tz="UTC"),
    ]
    assert table["price"].tolist() == [100.0, 100.3]
    assert "ts" not in table.columns


def test_a_second_time_column_is_a_time_as_well():
    frame = Frame("x", BTC, {"ts": np.array([5]), "start": np.array([0]), "v": np.array([1.0])})
    table = frame.to_pandas()
    assert table.index.name == "ts"
    assert table["start"].iloc[0] == pd.Timestamp(0, tz="UTC")


def test_nanoseconds_survive_in_a_dataframe():
    ts = 1_700_000_000_123_456_789
    assert trades([(ts, 1, 1, 0)]).to_pandas().index[0].value == ts


def test_a_dataframe_is_the_readers_own_to_change():
    frame = trades(ROWS)
    table = frame.to_pandas()
    table.loc[:, "price"] = 0.0
    table["new"] = 1
    assert frame["price"].tolist() == [100.0, 100.3]


def test_a_frame_without_times_has_numbered_rows():
    table = Frame("x", BTC, {"a": np.array([3, 4])}).to_pandas()
    assert table.index.tolist() == [0, 1]
    assert table["a"].tolist() == [3, 4]


@settings(deadline=None)
@given(
    st.lists(st.integers(-(2**50), 2**50), max_size=20),
    st.sampled_from(["1", "0.1", "0.01", "0.25", "0.001", "0.00000001", "5", "1E+2", "0.0005"]),
)
def test_units_are_the_floats_nearest_to_the_exact_decimals(steps, size):
    exact = [Fraction(Decimal(size)) * step for step in steps]
    if all(abs(step * Fraction(Decimal(size)).numerator) < 2**53 for step in steps):
        assert units(np.array(steps, np.int64), Decimal(size)).tolist() == [float(value) for value in exact]


def test_units_of_two_sizes_are_those_of_their_product():
    assert units(np.array([12345]), Decimal("0.1"), Decimal("0.001")).tolist() == [1.2345]


def test_units_take_numbers_wider_than_64_bits():
    assert units(np.array([2**70], object), Decimal("0.5")).tolist() == [float(2**69)]


def test_an_instrument_of_any_grid_gives_the_prices_that_people_write():
    fine = Instrument("X", "0.00000001", "1")
    assert trades([(0, 123456789, 3, 0)], instrument=fine)["price"].tolist() == [1.23456789]


def test_a_frame_of_depth_begins_with_the_columns_of_quotes():
    rows = np.array([[7, 1, 100, 5, 102, 3, 98, 7, 103, 0], [9, 2, 101, 6, 102, 3, 98, 7, 104, 4]], np.int64)
    frame = depth_frame(BTC, rows, 2)
    best = quote_frame(BTC, rows[:, :6])
    for name, column in best.columns.items():
        assert frame[name].tolist() == column.tolist()
    assert frame.channel == "depth"
    assert frame["bid_ticks_1"].tolist() == [98, 98]
    assert frame["bid_lots_1"].tolist() == [7, 7]
    assert frame["ask_ticks_1"].tolist() == [103, 104]
    assert frame["ask_lots_1"].tolist() == [0, 4]
    assert "bid_ticks_2" not in frame.columns


@pytest.mark.parametrize(("width", "levels"), [(10, 1), (6, 2), (2, 0)])
def test_rows_of_depth_of_another_width_are_refused(width, levels):
    with pytest.raises(LocalError, match="rows of depth are of the wrong form"):
        depth_frame(BTC, np.zeros((3, width), np.int64), levels)


def test_no_row_is_a_frame_of_depth_too():
    assert depth_frame(BTC, np.zeros((0, 6), np.int64), 1).rows == 0
