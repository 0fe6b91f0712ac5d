import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from rtlab.errors import DataError
from rtlab.views.table import table

TIMES = pd.date_range("2024-03-01", periods=4, freq="1s")
MS = [1709251200000.0 + 1000 * i for i in range(4)]
A, B = [1.0, 2.0, np.nan, 4.0], [5, 6, 7, 8]


def assert_is(read, kind="time", x=MS, columns=("a", "b")):
    assert read.kind == kind
    assert read.x.tolist() == list(x)
    assert tuple(read.columns) == columns
    for name, expected in zip(columns, (A, B), strict=False):
        assert np.array_equal(read.columns[name], np.array(expected, float), equal_nan=True)
        assert read.columns[name].dtype == np.float64


def test_a_pandas_frame_has_its_index_as_x():
    assert_is(table(pd.DataFrame({"a": A, "b": B}, index=TIMES)))
    assert_is(table(pd.DataFrame({"a": A, "b": B}, index=[1, 3, 5, 9])), "number", [1, 3, 5, 9])


def test_a_pandas_frame_without_an_index_of_its_own_has_its_first_column_of_times():
    assert_is(table(pd.DataFrame({"b": B, "when": TIMES, "a": A}), y=["a", "b"]))
    assert_is(table(pd.DataFrame({"a": A, "b": B})), "number", range(4))


def test_times_with_a_zone_are_told_in_utc():
    zoned = TIMES.tz_localize("UTC").tz_convert("Asia/Tokyo")
    assert_is(table(pd.DataFrame({"a": A, "b": B}, index=zoned)))
    assert_is(table(pd.DataFrame({"when": zoned, "a": A, "b": B})))


def test_a_pandas_series_is_one_line():
    assert_is(table(pd.Series(A, index=TIMES, name="a")), columns=("a",))


def test_pandas_own_numbers_may_be_missing():
    frame = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")})
    read = table(frame)
    assert np.array_equal(read.columns["a"], [1, np.nan], equal_nan=True)
    assert np.array_equal(read.columns["b"], [1, np.nan], equal_nan=True)


def test_a_polars_frame_lazy_or_not():
    frame = pl.DataFrame({"when": list(TIMES.to_pydatetime()), "a": A, "b": B})
    assert_is(table(frame))
    assert_is(table(frame.lazy()))
    assert_is(table(frame["a"]), "number", range(4), ("a",))


def test_polars_nulls_are_gaps():
    assert np.array_equal(table(pl.Series("a", [1, None, 3])).columns["a"], [1, np.nan, 3], equal_nan=True)


@pytest.mark.parametrize("kind", ["table", "batch"])
def test_an_arrow_table_or_batch(kind):
    columns = {"when": pa.array(TIMES.to_numpy()), "a": pa.array(A), "b": pa.array(B)}
    assert_is(table(pa.table(columns) if kind == "table" else pa.RecordBatch.from_pydict(columns)))


def test_an_arrow_column():
    read = table(pa.chunked_array([[1.0, None], [3.0]]))
    assert np.array_equal(read.columns["y"], [1, np.nan, 3], equal_nan=True)


def test_numpy_arrays_of_one_and_two_dimensions_and_with_fields():
    read = table(np.array([A, B], float).T)
    assert tuple(read.columns) == ("y0", "y1")
    assert read.columns["y1"].tolist() == B
    fields = np.zeros(4, dtype=[("when", "M8[ns]"), ("a", "f4"), ("b", "i2")])
    fields["when"], fields["a"], fields["b"] = TIMES.to_numpy(), A, B
    assert_is(table(fields))


def test_columns_by_name_and_pairs():
    assert_is(table({"a": A, "when": TIMES.to_numpy(), "b": B}))
    assert table((MS, A)).x.tolist() == MS
    read = table((TIMES.to_numpy(), np.array([A, B]).T))
    assert (read.kind, tuple(read.columns)) == ("time", ("y0", "y1"))


def test_x_and_y_may_be_named():
    frame = pd.DataFrame({"t": [1, 2, 3, 4], "a": A, "b": B})
    assert_is(table(frame, x="t"), "number", [1, 2, 3, 4])
    assert_is(table(frame, x="t", y="a"), "number", [1, 2, 3, 4], ("a",))


def test_categories_are_events_and_text_is_left_out_and_told():
    words = ["open", "open", "halt", "open"]
    frame = pd.DataFrame({"a": A, "state": pd.Categorical(words), "note": ["p", "q", "r", "s"]})
    read = table(frame)
    assert read.events["state"].tolist() == words
    assert read.left_out == ("note",)
    for other in (
        pl.DataFrame({"a": A, "state": pl.Series(words, dtype=pl.Categorical)}),
        pa.table({"a": pa.array(A), "state": pa.array(words).dictionary_encode()}),
    ):
        assert table(other).events["state"].tolist() == words


@pytest.mark.parametrize(
    ("source", "wanted", "message"),
    [
        (pd.DataFrame({"a": A}), {"y": "z"}, "the data have no such column: expected one of a, got z"),
        (pd.DataFrame({"a": A}), {"x": "z"}, "the data have no such column: expected one of a, got z"),
        (
            {"a": ["one", "two"]},
            {"y": "a"},
            "a cannot be drawn as a line: expected numbers, got text, as 'one'",
        ),
        ({"a": ["one", "two"]}, {}, "expected a column of numbers, got only text in a"),
        ({"a": A, "b": [1, 2]}, {}, "b and x do not belong together: expected 4 values, got 2"),
        (([1, 2, 3], [1, 2]), {}, "y and x do not belong together: expected 3 values, got 2"),
        ({"t": ["a", "b"], "y": [1, 2]}, {"x": "t"}, "x is text: expected numbers or times"),
        ({"t": np.array(["2024-01-01", "NaT"], "M8[ns]"), "y": [1, 2]}, {}, "a time is missing"),
        (dt.date(2024, 1, 1), {}, "this cannot be drawn: expected a table, .* got date"),
        ({}, {}, "there is nothing to draw in the data"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_reason(source, wanted, message):
    with pytest.raises(DataError, match=message):
        table(source, **wanted)


def test_only_what_could_be_times_has_a_hint():
    epochs = [1_700_000_000 + i for i in range(4)]
    assert (
        table({"t": epochs, "a": A}).hint == 't is drawn as a line; if it holds times, say x="t", x_unit="s"'
    )
    assert table({"t": epochs, "a": A}, x="t").hint.startswith("x is drawn as plain numbers")
    assert (table({"t": epochs, "a": A}, x="t", x_unit="s").kind, table({"b": B, "a": A}).hint) == (
        "time",
        "",
    )
    assert table({"when": TIMES.to_numpy(), "t": epochs}).hint == ""
