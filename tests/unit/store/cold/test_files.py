import pytest
from support.kept import DAY_NS

from rtlab.errors import StoreError
from rtlab.store.cold.files import Bounds, Making, Span, by_day, check_file, day_of, read_file
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import ROW_GROUP, table_of


def rows(*ts, first=1, epoch=4):
    count = len(ts)
    seqs = range(first, first + count)
    return table_of([[epoch] * count, seqs, seqs, ts, [0] * count, seqs, [1] * count])


def made(tmp_path, table, **more):
    place = LocalPlace(tmp_path / "store")
    making = Making(place, tmp_path / "aside")
    entry = making.add("a/b", "book", table, **more)
    assert place.paths("") == []
    assert making.move() == [entry]
    assert making.move() == []
    return place, entry


def test_a_file_is_named_by_date_channel_instrument_and_range(tmp_path):
    place, entry = made(tmp_path, rows(DAY_NS + 5, DAY_NS + 9, first=7))
    assert entry.path == "date=1970-01-02/channel=book/instrument=a%2Fb/4-7-8.parquet"
    assert (entry.first, entry.last, entry.ts_min, entry.ts_max) == (7, 8, DAY_NS + 5, DAY_NS + 9)
    check_file(place, entry)
    assert read_file(place, entry).column("ts").to_pylist() == [DAY_NS + 5, DAY_NS + 9]


def test_only_the_row_groups_that_matter_are_read(tmp_path):
    place, entry = made(tmp_path, rows(*range(3 * ROW_GROUP)))
    middle = read_file(place, entry, ("seq",), Bounds("ts", ROW_GROUP + 1, ROW_GROUP + 1))
    assert middle.num_rows == ROW_GROUP
    assert middle.column("seq")[0].as_py() == ROW_GROUP + 1
    assert read_file(place, entry, ("seq",), Bounds("ts", -5, -1)).num_rows == 0


def test_rows_are_cut_at_midnight_and_a_clock_that_jumps_back_stays_in_its_day():
    table = rows(DAY_NS - 1, DAY_NS, DAY_NS - 5, DAY_NS + 1, 3 * DAY_NS)
    assert [day.num_rows for day in by_day(table)] == [1, 3, 1]
    assert [day.num_rows for day in by_day(table, 4 * DAY_NS)] == [5]
    assert day_of(DAY_NS - 1) == "1970-01-01"


def test_a_damaged_foreign_missing_or_exchanged_file_is_one_clear_error_that_names_it(tmp_path):
    place, entry = made(tmp_path, rows(*range(100)))
    path = place.folder / entry.path
    content = path.read_bytes()
    path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    with pytest.raises(StoreError, match=r"4-1-100\.parquet is damaged: expected CRC32"):
        check_file(place, entry)
    for broken in (content[:-20], b"", b"foreign"):
        path.write_bytes(broken)
        with pytest.raises(StoreError, match=r"4-1-100\.parquet is damaged or foreign"):
            read_file(place, entry)
    other, other_entry = made(tmp_path / "other", rows(1, 2))
    path.write_bytes(other.read(other_entry.path))
    with pytest.raises(StoreError, match="not the one of the manifest: expected 100 rows, got 2"):
        read_file(place, entry)
    path.unlink()
    with pytest.raises(StoreError, match="is missing"):
        check_file(place, entry)
    with pytest.raises(FileNotFoundError):
        read_file(place, entry)


def test_a_span_takes_its_start_and_not_its_end():
    assert Span(2, 4).cut(rows(1, 2, 3, 4)).column("ts").to_pylist() == [2, 3]
    assert Span(2, 4).meets(0, 2)
    assert not Span(2, 4).meets(4, 9)
