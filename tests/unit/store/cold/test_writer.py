import os

import pytest
from support.kept import BTC, DAY_NS, Made, keep, plain, writer_of

from rtlab.errors import InstrumentError, StoreError
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.manifest import load_manifest
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.reading import ColdReader
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter


def read(folder, channel):
    rows = [plain(one) for one in ColdReader(LocalPlace(folder), folder).batches(channel, "BTC-USD")]
    return [row for part in rows for row in part]


def test_rows_are_there_once_and_in_order_whatever_was_rolled(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=4)
    assert read(tmp_path, "book") == made.book
    assert read(tmp_path, "trades") == made.trades
    assert len(load_manifest(LocalPlace(tmp_path), "BTC-USD").of("book")) == 4


def test_a_writer_goes_on_where_the_last_one_stood_and_doubles_nothing(tmp_path):
    made = Made()
    for _ in range(3):
        keep(tmp_path, made, rolls=1)
    assert read(tmp_path, "book") == made.book
    with writer_of(tmp_path) as writer:
        assert writer.stand == made.rows.stand
        assert writer.levels.book() == made.books[len(made.book)]


def test_a_torn_tail_is_cut_and_the_writer_says_where_to_go_on(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=1)
    with writer_of(tmp_path) as writer:
        made.make(5)
        made.append_to(writer)
        safe, rows = writer.stand, list(made.book)
        made.make(5)
        made.append_to(writer)
        tail = writer._tail.path
    os.truncate(tail, tail.stat().st_size - 9)
    with writer_of(tmp_path) as writer:
        assert writer.stand == safe
        assert writer.counts.recovered > 0
    assert read(tmp_path, "book") == rows


def test_files_end_with_their_day(tmp_path):
    made = Made(begin_ns=5 * DAY_NS - 10_000_000)
    keep(tmp_path, made, rolls=1)
    files = load_manifest(LocalPlace(tmp_path), "BTC-USD").files
    assert {one.date for one in files} == {"1970-01-05", "1970-01-06"}
    assert all(one.ts_max < 5 * DAY_NS for one in files if one.date == "1970-01-05")
    assert read(tmp_path, "trades") == made.trades


def test_one_instrument_has_one_writer(tmp_path):
    with writer_of(tmp_path), pytest.raises(StoreError, match="another process records BTC-USD"):
        ColdWriter(LocalPlace(tmp_path), tmp_path, BTC, wait_s=0.1).__enter__()


def test_another_grid_is_one_clear_error(tmp_path):
    keep(tmp_path, Made(), rolls=1)
    other = Instrument("BTC-USD", "0.5", "0.001")
    with pytest.raises(
        InstrumentError, match=r"kept with another grid: expected 0\.01 and 0\.001, got 0\.5 and"
    ):
        ColdWriter(LocalPlace(tmp_path), tmp_path, other).__enter__()


def test_rows_whose_manifest_was_lost_are_never_begun_over(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=2)
    manifest = tmp_path / "manifest" / "BTC-USD.json"
    held = manifest.read_bytes()
    manifest.unlink()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"rows of BTC-USD lie in .* no manifest names them.*4 files"):
            keep(tmp_path, made, rolls=1)
    assert not manifest.exists()
    manifest.write_bytes(held)
    assert read(tmp_path, "book") == made.book
    keep(tmp_path, made, rolls=1)
    assert read(tmp_path, "book") == made.book


def test_whole_books_alone_may_lie_there_of_a_writer_killed_before_its_first_manifest(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=1)
    for path in tmp_path.glob("date=*/channel=*/**/*.parquet"):
        if "channel=levels" not in str(path):
            path.unlink()
    (tmp_path / "manifest" / "BTC-USD.json").unlink()
    fresh = Made()
    keep(tmp_path, fresh, rolls=1)
    assert read(tmp_path, "book") == fresh.book


def test_rows_that_do_not_follow_are_refused(tmp_path):
    made = Made()
    with writer_of(tmp_path) as writer:
        with pytest.raises(StoreError, match="has not begun"):
            writer.append(made.rows.take(), made.rows.stand)
        writer.begin(Stand(1), Levels.empty(), "start")
        made.make(3)
        made.rows.take()
        made.make(3)
        with pytest.raises(StoreError, match="do not follow"):
            made.append_to(writer)


def test_a_gap_is_kept_with_its_reason_and_its_book(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=1)
    made.make(10)
    made.rows.take()
    with writer_of(tmp_path) as writer:
        bids, asks = made.books[len(made.book)]
        sides = [0] * len(bids) + [1] * len(asks)
        both = [*bids, *asks]
        levels = Levels.empty().fold(*map(_ints, (sides, [p for p, _ in both], [q for _, q in both])))
        writer.begin(made.rows.stand, levels, "entries are lost")
        made.make(5)
        made.append_to(writer)
    manifest = load_manifest(LocalPlace(tmp_path), "BTC-USD")
    assert [gap.reason for gap in manifest.gaps] == ["start", "entries are lost"]
    assert manifest.gaps[1].after.position > manifest.gaps[1].before.position
    reader = ColdReader(LocalPlace(tmp_path), tmp_path)
    seq = manifest.gaps[1].after.book
    assert reader.levels("BTC-USD", (1, seq))[1].book() == made.books[seq]


def test_a_book_that_became_known_again_is_kept(tmp_path):
    made = Made()
    with writer_of(tmp_path) as writer:
        made.make(10)
        made.rows.take()
        writer.begin(made.rows.stand, None, "entries are lost")
        made.make(3)
        made.append_to(writer)
        writer.know(Levels.empty().fold(_ints([0]), _ints([5]), _ints([6])))
    reader = ColdReader(LocalPlace(tmp_path), tmp_path)
    at = (1, len(made.book))
    assert reader.levels("BTC-USD", at)[1].book() == ([(5, 6)], [])
    with pytest.raises(StoreError, match=r"a gap lies before it \(entries are lost\)"):
        reader.levels("BTC-USD", (1, len(made.book) - 1))


def test_leaving_twice_is_leaving_once(tmp_path):
    writer = writer_of(tmp_path)
    writer.__enter__()
    writer.close()
    writer.close()
    assert writer.instrument == BTC


def _ints(numbers):
    import numpy as np

    return np.array(numbers, np.int64)
