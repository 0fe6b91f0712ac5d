import pytest
from support.kept import DAY_NS, Made, keep, plain

from rtlab.errors import StoreError
from rtlab.store.cold.manifest import FileEntry, load_manifest
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.reading import ColdReader
from rtlab.store.cold.upkeep import Upkeep, compact, groups, retain


def entry(first, last, *, size=10, channel="book", date="1970-01-01", epoch=1):
    return FileEntry(f"{epoch}-{first}", channel, date, epoch, first, last, 0, 1, last - first + 1, size, 0)


def ranges(runs):
    return [[(one.first, one.last) for one in run] for run in runs]


def test_small_neighbours_are_grouped_up_to_the_size_that_was_asked_for():
    files = [entry(n, n) for n in range(1, 8)]
    assert ranges(groups(files, 30)) == [[(1, 1), (2, 2), (3, 3)], [(4, 4), (5, 5), (6, 6)]]
    assert groups(files, 15) == []


def test_nothing_is_grouped_over_a_gap_a_day_an_epoch_or_a_channel():
    for other in (
        entry(7, 9),
        entry(6, 9, date="1970-01-02"),
        entry(6, 9, epoch=2),
        entry(6, 9, channel="trades"),
    ):
        assert groups([entry(1, 5), other], 1000) == []
    levels = [entry(5, 5, channel="levels"), entry(90, 90, channel="levels")]
    assert ranges(groups(levels, 1000)) == [[(5, 5), (90, 90)]]


def rows_of(folder, channel):
    reader = ColdReader(LocalPlace(folder), folder)
    return [row for part in reader.batches(channel, "BTC-USD") for row in plain(part)]


def test_compaction_changes_the_files_and_not_one_row(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=7)
    place, told = LocalPlace(tmp_path), []
    done = compact(place, tmp_path, "BTC-USD", on_progress=lambda at, of: told.append((at, of)))
    assert done == Upkeep(dropped=21, made=3)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert len(load_manifest(place, "BTC-USD").files) == 3
    assert len(place.paths("date=1970-01-01")) == 3
    assert rows_of(tmp_path, "book") == made.book
    assert rows_of(tmp_path, "trades") == made.trades
    seq = sorted(made.books)[len(made.books) // 2]
    assert ColdReader(place, tmp_path).levels("BTC-USD", (1, seq))[1].book() == made.books[seq]
    assert compact(place, tmp_path, "BTC-USD") == Upkeep()


def test_files_are_compacted_to_the_stated_size(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=12)
    place, size = LocalPlace(tmp_path), 12_000
    compact(place, tmp_path, "BTC-USD", target_bytes=size)
    files = load_manifest(place, "BTC-USD").of("book")
    assert 1 < len(files) < 12
    assert all(one.bytes <= size for one in files)
    assert rows_of(tmp_path, "book") == made.book


def test_retention_drops_whole_days_and_keeps_every_row_from_there_on(tmp_path):
    made = Made(step_ns=DAY_NS // 40)
    keep(tmp_path, made, rolls=8)
    place, cut = LocalPlace(tmp_path), 3 * DAY_NS
    done = retain(place, tmp_path, "BTC-USD", since=cut)
    assert done.rows_dropped > 0
    assert rows_of(tmp_path, "book") == [row for row in made.book if row[2] >= cut]
    assert rows_of(tmp_path, "trades") == [row for row in made.trades if row[2] >= cut]
    assert {path.split("/")[0] for path in place.paths("") if "channel=book" in path} == {
        "date=1970-01-04",
        "date=1970-01-05",
    }
    first = next(row[1] for row in made.book if row[2] >= cut)
    reader = ColdReader(place, tmp_path)
    assert reader.levels("BTC-USD", (1, first + 3))[0] == (1, first + 3)
    assert reader.levels("BTC-USD", (1, 5))[0] == (1, 0)  # what led there is not kept any more


def test_files_that_no_manifest_names_are_swept_by_the_next_job(tmp_path):
    keep(tmp_path, Made(), rolls=1)
    place = LocalPlace(tmp_path)
    place.write("date=1970-01-01/channel=book/instrument=BTC-USD/1-1-9999.parquet", b"left by a kill")
    other = "date=1970-01-01/channel=book/instrument=BTC-USD2/1-1-9.parquet"
    place.write(other, b"of another instrument")
    assert compact(place, tmp_path, "BTC-USD").swept == 1
    assert place.read(other)


def test_an_unknown_instrument_is_one_clear_error(tmp_path):
    with pytest.raises(StoreError, match="nothing of DOGE is kept"):
        compact(LocalPlace(tmp_path), tmp_path, "DOGE")
