import os
import signal
import subprocess
import sys

import pyarrow as pa
import pytest
from support.kept import DAY_NS
from support.own_channel import SCHEMA, read_meanwhile, reader, rows_of, some, wanted, writer

from rtlab.errors import ConfigError, StoreError
from rtlab.store.api import Store
from rtlab.store.cold.files import Span
from rtlab.store.cold.own import (
    OwnReader,
    own_channels,
    own_files,
    own_path,
    own_rows,
    read_own,
    schema_of,
    write_own,
)
from rtlab.store.cold.place import LocalPlace


def test_rows_of_values_are_what_a_writer_takes():
    values = [(1000 * n, f"n{n}", 2 * n) for n in range(3)]
    assert own_rows(values, SCHEMA).equals(some(0, 3))
    assert own_rows([], SCHEMA).schema == some(0, 3).schema
    with pytest.raises(ValueError, match="zip"):
        own_rows([(1, "n")], SCHEMA)


def test_rows_are_read_from_files_and_the_tail_once_each_and_in_order(tmp_path):
    with writer(tmp_path) as one:
        for first in range(0, 50, 10):
            one.append(some(first, 10))
            if first % 20 == 0:
                one.roll()
            assert rows_of(tmp_path) == wanted(0, first + 10)
        one.append(some(0, 0))
        assert (one.seq, one.tail_rows) == (50, 0)
        assert [(file.first, file.last) for file in own_files(LocalPlace(tmp_path))] == [
            (1, 10),
            (11, 30),
            (31, 50),
        ]
    assert rows_of(tmp_path, Span(7000, 12_000)) == wanted(7, 12)
    assert rows_of(tmp_path, Span(7000, 9000), ["size", "seq"]) == [(14, 8), (16, 9)]
    assert rows_of(tmp_path, Span(7000, 9000), ["note"]) == [("n7",), ("n8",)]
    assert own_channels(LocalPlace(tmp_path), tmp_path) == {"notes": {"BTC%2FUSD"}}
    assert reader(tmp_path).schema().metadata == {b"of": b"tests"}


def test_a_writer_goes_on_behind_what_the_last_one_left_in_its_tail(tmp_path):
    with writer(tmp_path) as one:
        one.append(some(0, 10))
    assert own_channels(LocalPlace(tmp_path), tmp_path) == {"notes": {"BTC%2FUSD"}}
    assert rows_of(tmp_path) == wanted(0, 10)
    with writer(tmp_path) as one:
        assert (one.seq, one.recovered) == (10, 10)
        one.append(some(10, 5))
        one.roll()
    assert rows_of(tmp_path) == wanted(0, 15)


def test_what_a_kill_left_in_a_file_and_in_the_tail_counts_once(tmp_path):
    with writer(tmp_path) as one:
        one.append(some(0, 10))
        tail = one._tail.path
        kept = tail.read_bytes()
        one.roll()
    tail.write_bytes(kept)  # killed after the file was moved, before the tail went
    (tail.parent / "half.new").write_bytes(kept[:20])  # another before its tail had a schema
    (aside := one._aside / "1970-01-01.parquet").write_bytes(kept)  # and one before its file was moved
    assert rows_of(tmp_path) == wanted(0, 10)
    with writer(tmp_path) as one:
        assert (one.seq, one.recovered) == (10, 0)
        assert not aside.exists()
        one.append(some(10, 1))
        assert rows_of(tmp_path) == wanted(0, 11)
    assert [path.name for path in tail.parent.iterdir()] == ["11.arrows"]


def test_a_tail_that_was_cut_off_keeps_its_whole_batches(tmp_path):
    with writer(tmp_path) as one:
        one.append(some(0, 10))
        one.append(some(10, 10))
        tail = one._tail.path
    os.truncate(tail, tail.stat().st_size - 7)
    assert rows_of(tmp_path) == wanted(0, 10)
    with writer(tmp_path) as one:
        assert one.seq == 10


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from support.own_channel import some, writer
with writer(Path(sys.argv[1])) as one:
    for number in range(one.seq, 10**6):
        one.append(some(number, 1))
        print(one.seq, flush=True)
        if number % 7 == 0:
            one.roll()
"""


def test_a_writer_that_is_killed_anywhere_neither_loses_nor_doubles_a_row(tmp_path):
    tests = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    said = 0
    for most in (3, 11):
        command = [sys.executable, "-c", KILLED.format(tests=tests), str(tmp_path)]
        environ = {**os.environ, "PYTHONPATH": tests}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
            for line in process.stdout:
                said = int(line)
                if said >= most:
                    break
            process.send_signal(signal.SIGKILL)
            said = max([said, *(int(line) for line in process.stdout if line.endswith("\n"))])
        found = rows_of(tmp_path)
        assert found == wanted(0, len(found))
        assert len(found) >= said  # what it said was safe


def test_who_reads_while_it_is_rolled_sees_every_row_once(tmp_path):
    def read():
        return rows_of(tmp_path) if own_channels(LocalPlace(tmp_path), tmp_path) else []

    with read_meanwhile(read), writer(tmp_path) as one:
        for first in range(0, 300, 5):
            one.append(some(first, 5))
            if first % 3 == 0:
                one.roll()


def test_files_end_with_the_day(tmp_path):
    step = DAY_NS // 4
    with writer(tmp_path) as one:
        one.append(some(0, 10, step))
        one.roll()
        one.append(some(3, 1, step))  # a clock that jumped back
        one.roll()
    files = own_files(LocalPlace(tmp_path))
    assert [file.date for file in files] == ["1970-01-01", "1970-01-02", "1970-01-03", "1970-01-03"]
    assert rows_of(tmp_path, Span(3 * step, 4 * step)) == [(4, 3 * step, "n3", 6), (11, 3 * step, "n3", 6)]
    for file in files[:2]:
        (tmp_path / file.path).unlink()
    assert [row[0] for row in rows_of(tmp_path)] == [9, 10, 11]


def test_a_file_whose_rows_a_larger_one_holds_counts_for_nobody(tmp_path):
    with writer(tmp_path) as one:
        for first in (0, 10):
            one.append(some(first, 10))
            one.roll()
    parts = own_files(LocalPlace(tmp_path))
    whole = pa.concat_tables([read_own(LocalPlace(tmp_path), part) for part in parts])
    path = own_path(parts[0].date, "notes", parts[0].instrument, whole)
    write_own(whole, tmp_path / path)
    for gone in ([], [parts[1]], [parts[0]]):  # the larger one came last, and one of its parts may have gone
        for part in gone:
            (tmp_path / part.path).unlink()
        assert [one.path for one in own_files(LocalPlace(tmp_path))] == [path]
        assert rows_of(tmp_path) == wanted(0, 20)
        with writer(tmp_path) as one:
            assert one.seq == 20
    assert reader(tmp_path).part() == ("BTC/USD", [path], None)


def test_a_file_that_is_merged_while_it_is_to_be_read_is_read_where_its_rows_are(tmp_path):
    with writer(tmp_path) as one:
        for first in (0, 10, 20):
            one.append(some(first, 10))
            one.roll()
    for columns in (None, ["size", "note"]):
        files = own_files(LocalPlace(tmp_path))
        batches = reader(tmp_path).batches(columns=columns)
        found = [next(batches)]
        whole = pa.concat_tables([read_own(LocalPlace(tmp_path), file) for file in files])
        write_own(whole, tmp_path / own_path(files[0].date, "notes", files[0].instrument, whole))
        for file in files if len(files) > 1 else ():
            (tmp_path / file.path).unlink()
        found += batches
        assert pa.concat_tables(found).column("size").to_pylist() == [2 * n for n in range(30)]


def test_two_writers_another_schema_and_a_taken_name_are_clear_errors(tmp_path):
    with writer(tmp_path) as one:
        one.append(some(0, 1))
        one.roll()
        with pytest.raises(StoreError, match="another process writes notes of BTC%2FUSD"), writer(tmp_path):
            pass
    other = schema_of([pa.field("note", pa.string())])
    with pytest.raises(ConfigError, match="kept with other columns: expected seq int64, ts int64, note"):
        writer(tmp_path, other).__enter__()
    for name in ("book", "Levels", "no name", ""):
        with pytest.raises(ConfigError, match="needs a name of its own"):
            writer(tmp_path, channel=name)
    with pytest.raises(ConfigError, match="there already: expected another name, got ts"):
        schema_of([pa.field("ts", pa.int64())])


def test_a_damaged_a_foreign_and_a_short_file_and_an_unknown_column_are_named(tmp_path):
    with writer(tmp_path) as one:
        one.append(some(0, 1000))
        one.roll()
    with pytest.raises(ConfigError, match="no such column: expected some of seq, ts, note, size"):
        rows_of(tmp_path, columns=["price"])
    assert reader(tmp_path).nothing(["ts"]).num_rows == 0
    path = tmp_path / own_files(LocalPlace(tmp_path))[0].path
    whole = path.read_bytes()
    assert reader(tmp_path).check() == 1
    for damaged in (whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], b"foreign", whole[:-9]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match="is damaged or foreign"):
            rows_of(tmp_path)
        with (
            Store(tmp_path) as store,
            pytest.raises(StoreError, match=r"1-1000\.parquet is damaged or foreign"),
        ):
            store.check()
    path.write_bytes(whole)
    path.rename(path.with_name("1-999.parquet"))
    with pytest.raises(StoreError, match="expected 999 rows, got 1000"):
        rows_of(tmp_path)
    with pytest.raises(StoreError, match="nothing is kept of notes"):
        OwnReader(LocalPlace(tmp_path), tmp_path, "notes", "ETH").schema()
