import random
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.kept import BTC

from rtlab.errors import ConfigError, GridError, SourceError
from rtlab.store import Store
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter
from rtlab.store.tables import append_rows, export_rows, import_rows, mapping_of, read_table, times_of

MAPPING = {"ts": "time", "price": "px", "qty": "size", "side": "aggressor"}


def rows(count=50, seed=3):
    rnd = random.Random(seed)
    ts = 1_700_000_000_000
    made = []
    for _ in range(count):
        ts += rnd.randint(0, 2000)
        made.append(
            (
                ts,
                Decimal(rnd.randint(1, 10**6)) / 100,
                Decimal(rnd.randint(1, 10**5)) / 1000,
                rnd.choice("Bs"),
            )
        )
    return made


def bring(table, folder, unit="ms", mapping=MAPPING):
    return import_rows(table, mapping, unit, BTC, LocalPlace(folder), folder)


def wanted(made):
    return [
        (ts * 10**6, int(price * 100), int(qty * 1000), int(side == "s")) for ts, price, qty, side in made
    ]


def stored(folder):
    with Store(folder) as store:
        table = store.read("trades", "BTC-USD", columns=["ts", "price", "qty", "side"])
    return [tuple(row.values()) for row in table.to_pylist()]


def test_a_csv_file_comes_in_exactly_and_goes_out_as_it_came(tmp_path):
    made, file = rows(), tmp_path / "trades.csv"
    file.write_text("time,px,size,aggressor,note\n" + "".join(f"{t},{p},{q},{s},x\n" for t, p, q, s in made))
    assert bring(read_table(file), tmp_path / "store") == len(made)
    assert stored(tmp_path / "store") == wanted(made)
    with Store(tmp_path / "store") as store:
        export_rows(store.read("trades", "BTC-USD"), BTC, tmp_path / "out.csv")
        export_rows(store.read("trades", "BTC-USD"), BTC, tmp_path / "out.parquet")
    back = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert [Decimal(one) for one in back["price"]] == [price for _, price, _, _ in made]
    assert [Decimal(one) for one in back["qty"]] == [qty for _, _, qty, _ in made]
    assert pq.read_table(tmp_path / "out.parquet").column("price").to_pylist() == [
        row[1] for row in wanted(made)
    ]


def test_parquet_and_pandas_come_in_and_a_second_import_is_an_epoch_of_its_own(tmp_path):
    made = rows(20)
    frame = pd.DataFrame(made, columns=["time", "px", "size", "aggressor"])
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet")
    assert bring(read_table(tmp_path / "t.parquet"), tmp_path / "store") == 20
    assert bring(pa.Table.from_pandas(frame), tmp_path / "store") == 20
    assert stored(tmp_path / "store") == 2 * wanted(made)
    with Store(tmp_path / "store") as store:
        assert store.read("trades", "BTC-USD").column("epoch").to_pylist() == [1] * 20 + [2] * 20


def test_columns_are_said_and_never_guessed():
    assert mapping_of("ts=time, price=px,qty=size,side=aggressor") == MAPPING
    for text in (
        "",
        "ts=time",
        "ts=time,price=px,qty=size",
        "ts=a,price=b,qty=c,side=d,more=e",
        "ts=,price=b,qty=c,side=d",
    ):
        with pytest.raises(
            ConfigError, match=r"each once: expected ts=COLUMN,price=COLUMN,qty=COLUMN,side=COLUMN"
        ):
            mapping_of(text)


def table(**columns):
    return pa.table(
        {"time": ["1", "2"], "px": ["1", "2"], "size": ["1", "1"], "aggressor": ["buy", "sell"], **columns}
    )


@pytest.mark.parametrize(
    ("bad", "error", "told"),
    [
        ({"px": ["1", "2.005"]}, GridError, r"row 2: BTC-USD: price is off the grid.* got 2\.005"),
        ({"size": ["0.0001", "1"]}, GridError, "row 1: BTC-USD: quantity is off the grid"),
        ({"px": ["1", "cheap"]}, GridError, "row 2: .*not a number"),
        ({"time": ["1", "soon"]}, SourceError, r"row 2: this is no time in ms, .*: got soon"),
        ({"time": ["2024-08-08T00:00:00", "2"]}, SourceError, r"row 1: .* text is iso\): got 2024"),
        ({"time": ["2", "1"]}, SourceError, "row 2: its time is before that of the row above"),
        ({"aggressor": ["buy", "both"]}, SourceError, r"row 2: this is no side \(buy, .*\): got both"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_imported(tmp_path, bad, error, told):
    with pytest.raises(error, match=told):
        bring(table(**bad), tmp_path)
    assert not (tmp_path / "manifest").exists()


def test_times_of_iso_text_come_in_to_the_nanosecond_of_any_zone(tmp_path):
    base = 1_723_075_200 * 10**9
    texts = ["2024-08-08T00:00:00.000000001", "2024-08-08 00:00:01", "2024-08-08T02:00:02.5+02:00"]
    texts += ["2024-08-08T00:00:03.123456789Z", "2024-08-09"]
    wanted = [base + 1, base + 10**9, base + 2_500_000_000, base + 3_123_456_789, base + 86_400 * 10**9]
    assert times_of(texts, "iso").tolist() == wanted
    stamps = pa.array(wanted, pa.timestamp("ns", "UTC")).to_pylist()
    assert times_of(stamps, "iso").tolist() == wanted
    with pytest.raises(SourceError, match=r"row 1: this is no time of ISO 8601, as 2024.*: got 1723075200"):
        times_of(["1723075200"], "iso")
    assert bring(table(time=["2024-08-08T00:00:00Z", "2024-08-08T00:00:01Z"]), tmp_path, unit="iso") == 2


def test_a_missing_column_unit_or_file_is_one_clear_error(tmp_path):
    with pytest.raises(
        ConfigError, match="no such column: expected some of time, px, size, aggressor, got volume"
    ):
        bring(table(), tmp_path, mapping={**MAPPING, "qty": "volume"})
    with pytest.raises(ConfigError, match="times are in no such unit"):
        bring(table(), tmp_path, unit="days")
    (tmp_path / "foreign.parquet").write_bytes(b"foreign")
    for name in ("none.csv", "foreign.parquet"):
        with pytest.raises(SourceError, match="cannot be read"):
            read_table(tmp_path / name)


def test_level_changes_come_in_as_a_book_that_can_be_asked_for_at_any_moment(tmp_path):
    changes = pa.table(
        {
            "time": ["1", "2", "3", "4"],
            "px": ["10.00", "10.01", "9.99", "10.00"],
            "size": ["5", "2", "1", "0"],
            "aggressor": ["bid", "ask", "bid", "bid"],
        }
    )
    where = BTC, LocalPlace(tmp_path), tmp_path
    assert import_rows(changes, MAPPING, "s", *where, channel="book") == 4
    with Store(tmp_path) as store:
        third = store.book("BTC-USD", at=3 * 10**9)
        assert (third.bids, third.asks) == ([(1000, 5000), (999, 1000)], [(1001, 2000)])
        assert store.book("BTC-USD", at=(1, 4)).bids == [(999, 1000)]
        assert store.read("trades", "BTC-USD").num_rows == 0
        assert store.read("book", "BTC-USD").column("seq").to_pylist() == [1, 2, 3, 4]
        assert [gap.reason for gap in store.manifest("BTC-USD").gaps] == ["imported"]


def test_trades_are_added_behind_those_that_are_there(tmp_path):
    with ColdWriter(LocalPlace(tmp_path), tmp_path, BTC) as writer:
        writer.begin(Stand(4), Levels.empty(), "test")
        for begin in (10, 20):
            ts, ones = np.arange(begin, begin + 3), np.ones(3, np.int64)
            append_rows(writer, ts, 100 * ones, 2 * ones, np.array([0, 1, 0]))
        writer.roll()
        assert writer.stand == Stand(4, 6, 0, 6, 22)
    with Store(tmp_path) as store:
        rows = store.read("trades", BTC.symbol)
    assert rows.column("ts").to_pylist() == [10, 11, 12, 20, 21, 22]
    assert rows.column("seq").to_pylist() == [1, 2, 3, 4, 5, 6]
    assert rows.column("side").to_pylist() == [0, 1, 0, 0, 1, 0]
