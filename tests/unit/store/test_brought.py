import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.kept import BTC

from rtlab.errors import ConfigError, GridError, SourceError
from rtlab.store import Store
from rtlab.store.brought import KNOWN, Asked, asked_of, export_own, import_own, kept_schema
from rtlab.store.cold.place import LocalPlace

QUOTES = "ts=time,bid=b,bid_qty=B,ask=a,ask_qty=A"
OWN = "ts=time, fair:price=b, size:qty=B, who:side=who, n:int=n, p:float=p, note:text=note"


def table(**columns):
    told = {
        "time": ["1", "2.5"],
        "b": ["10.00", "10.01"],
        "B": ["1", "0.5"],
        "a": ["10.02", "10.03"],
        "A": ["3", "4"],
        "who": ["buy", "S"],
        "n": ["7", "-8"],
        "p": ["0.25", "1e-3"],
        "note": ["x", None],
    }
    return pa.table(told | columns)


def bring(folder, channel, text, rows=None, unit="s"):
    made = table() if rows is None else rows
    return import_own(made, asked_of(channel, text), unit, channel, BTC, LocalPlace(folder), folder)


def stored(folder, channel):
    with Store(folder) as store:
        return [tuple(row.values()) for row in store.read(channel, "BTC-USD").to_pylist()]


def test_a_mapping_names_every_column_and_where_it_is_not_known_its_kind():
    assert asked_of("quotes", QUOTES) == Asked(
        "time",
        {"bid": ("price", "b"), "bid_qty": ("qty", "B"), "ask": ("price", "a"), "ask_qty": ("qty", "A")},
    )
    assert asked_of("mine", "ts=t,fair:price=px") == Asked("t", {"fair": ("price", "px")})
    more = asked_of("quotes", QUOTES + ",id:int=u")
    assert more.fields["id"] == ("int", "u")
    assert set(KNOWN) == {"quotes", "candles"}


@pytest.mark.parametrize(
    ("channel", "text", "told"),
    [
        ("quotes", "ts=time,bid=b", "each once: expected ts=COLUMN,bid=COLUMN,bid_qty=COLUMN,ask=COLUMN"),
        ("quotes", QUOTES + ",bid=c", "each once"),
        ("quotes", QUOTES.removeprefix("ts=time,"), "each once"),
        ("quotes", QUOTES + ",id=u", "a kind is one of price, qty, side, int, float, text, got id"),
        ("mine", "ts=t,fair=px", "expected ts=COLUMN,NAME:KIND=COLUMN"),
        ("mine", "ts=t,fair:money=px", "got fair:money"),
        ("mine", "ts=t,fair:price=", "got fair:price"),
        ("mine", "ts=t,my fair:price=px", "got my fair:price"),
        ("mine", "ts=t", "each once"),
    ],
)
def test_what_is_not_said_is_never_guessed(channel, text, told):
    with pytest.raises(ConfigError, match=told):
        asked_of(channel, text)


def test_book_tickers_come_in_exactly_behind_what_is_there_and_go_out_as_they_came(tmp_path):
    assert bring(tmp_path / "s", "quotes", QUOTES) == 2
    assert bring(tmp_path / "s", "quotes", QUOTES) == 2
    first = [(10**9, 1000, 1000, 1002, 3000), (2_500_000_000, 1001, 500, 1003, 4000)]
    assert stored(tmp_path / "s", "quotes") == [(seq + 1, *row) for seq, row in enumerate(2 * first)]
    with Store(tmp_path / "s") as store:
        assert store.channels("BTC-USD") == ["quotes"]
        rows = store.read("quotes", "BTC-USD", 0, 2 * 10**9)
        export_own(rows, tmp_path / "out.csv")
        export_own(rows, tmp_path / "out.parquet")
    back = pd.read_csv(tmp_path / "out.csv", dtype=str).to_dict("records")
    assert [(row["bid"], row["ask_qty"]) for row in back] == [("10.00", "3.000")] * 2
    assert pq.read_table(tmp_path / "out.parquet").column("bid").to_pylist() == [1000, 1000]


def test_columns_of_every_kind_are_kept_as_what_they_are(tmp_path):
    assert bring(tmp_path, "mine", OWN) == 2
    assert stored(tmp_path, "mine") == [
        (1, 10**9, 1000, 1000, 0, 7, 0.25, "x"),
        (2, 2_500_000_000, 1001, 500, 1, -8, 0.001, None),
    ]


@pytest.mark.parametrize(
    ("bad", "error", "told"),
    [
        ({"b": ["1", "2.005"]}, GridError, "row 2: BTC-USD: price is off the grid"),
        ({"time": ["2", "1"]}, SourceError, "row 2: its time is before"),
        ({"who": ["buy", "both"]}, SourceError, r"row 2: this is no who \(side\): got both"),
        ({"n": ["1", "1.5"]}, SourceError, r"row 2: this is no n \(int\): got 1\.5"),
        ({"n": ["many", "1"]}, SourceError, r"row 1: this is no n \(int\)"),
        ({"p": ["0.1", "half"]}, SourceError, r"row 2: this is no p \(float\): got half"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_imported(tmp_path, bad, error, told):
    with pytest.raises(error, match=told):
        bring(tmp_path, "mine", OWN, table(**bad))
    assert not (tmp_path / "own").exists()


def test_a_missing_column_another_grid_and_a_taken_name_are_clear_errors(tmp_path):
    with pytest.raises(ConfigError, match=r"no such column: expected some of time, b, .*, got gone"):
        bring(tmp_path, "mine", "ts=time,x:int=gone")
    bring(tmp_path, "mine", OWN)
    with pytest.raises(ConfigError, match="kept with other columns"):
        bring(tmp_path, "mine", "ts=time,n:int=n")
    with pytest.raises(ConfigError, match="a name of its own"):
        bring(tmp_path, "levels", "ts=time,n:int=n")
    assert kept_schema({"x": "side"}, BTC).field("x").type == pa.int8()


def test_bytes_that_are_no_text_are_refused_in_csv_and_kept_in_parquet(tmp_path):
    rows = pa.table({"ts": [1, 2], "payload": [b"{}", b"\xff"]})
    with pytest.raises(ConfigError, match=r"no text.*ends in \.parquet"):
        export_own(rows, tmp_path / "out.csv")
    export_own(rows.slice(0, 1), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines() == ['"ts","payload"', '1,"{}"']
    export_own(rows, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column("payload").to_pylist() == [b"{}", b"\xff"]
