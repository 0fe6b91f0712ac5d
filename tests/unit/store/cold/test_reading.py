import random
import threading

import pytest
from support.kept import Made, keep, plain, writer_of

from rtlab.errors import ConfigError, StoreError
from rtlab.store.cold.files import Span
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.reading import ColdReader, check_channel
from rtlab.store.cold.upkeep import compact


def reader_of(folder):
    return ColdReader(LocalPlace(folder), folder)


def rows_of(reader, channel="book", **more):
    return [row for part in reader.batches(channel, "BTC-USD", **more) for row in plain(part)]


def test_any_span_of_time_is_read_exactly(tmp_path):
    made, rnd = Made(), random.Random(2)
    keep(tmp_path, made, rolls=5)
    reader = reader_of(tmp_path)
    for _ in range(20):
        first, last = sorted(rnd.randrange(made.ts) for _ in range(2))
        for channel in ("book", "trades"):
            wanted = [row for row in getattr(made, channel) if first <= row[2] < last]
            assert rows_of(reader, channel, span=Span(first, last)) == wanted


def test_only_the_files_of_the_span_are_opened(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=5)
    reader = reader_of(tmp_path)
    rows_of(reader, span=Span(made.ts, made.ts + 1))
    assert reader.files_read == 0  # all of it is in the tail
    rows_of(reader, span=Span(made.ts // 2, made.ts // 2 + 1))
    assert reader.files_read == 1


@pytest.mark.parametrize("every", [1, 40])
def test_the_book_at_any_change_is_that_of_the_market(tmp_path, monkeypatch, every):
    made = Made()
    keep(tmp_path, made, rolls=6)
    reader = reader_of(tmp_path)
    last = max(one.last for one in reader.manifest("BTC-USD").of("book"))
    for seq in sorted(made.books)[::every]:
        if seq <= last:
            assert reader.levels("BTC-USD", (1, seq))[0] == (1, seq)
            assert reader.levels("BTC-USD", (1, seq))[1].book() == made.books[seq]


def test_the_last_change_at_a_time_is_found(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=3)
    reader = reader_of(tmp_path)
    kept = [
        row for row in made.book if row[1] <= max(one.last for one in reader.manifest("BTC-USD").of("book"))
    ]
    for ts in range(0, kept[-1][2], 7_000_000):
        before = [row for row in kept if row[2] <= ts]
        assert reader.last_at("BTC-USD", ts) == ((1, before[-1][1]) if before else None)


def test_an_iterator_goes_on_while_files_are_rolled_and_compacted_under_it(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=6)
    parts = reader_of(tmp_path).batches("book", "BTC-USD")
    rows = plain(next(parts))
    with writer_of(tmp_path) as writer:
        made.make(5)
        made.append_to(writer)
    compact(LocalPlace(tmp_path), tmp_path, "BTC-USD")
    for part in parts:
        rows += plain(part)
    assert rows == made.book


def test_reads_are_whole_while_a_writer_and_a_compactor_are_at_work(tmp_path):
    made, ended = Made(), threading.Event()
    keep(tmp_path, made, rolls=1)
    place, problems = LocalPlace(tmp_path), []

    def tend():
        while not ended.is_set():
            try:
                compact(place, tmp_path, "BTC-USD")
            except Exception as problem:  # noqa: BLE001
                problems.append(problem)
                return

    tending = threading.Thread(target=tend)
    tending.start()
    try:
        reader = reader_of(tmp_path)
        with writer_of(tmp_path) as writer:
            for number in range(60):
                made.make(2)
                made.append_to(writer)
                if number % 3 == 0:
                    writer.roll()
                assert rows_of(reader) == made.book
    finally:
        ended.set()
        tending.join()
    assert problems == []


def test_a_missing_file_is_one_clear_error_after_what_is_there(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=3)
    reader = reader_of(tmp_path)
    second = reader.manifest("BTC-USD").of("book")[1]
    (tmp_path / second.path).unlink()
    parts = reader.batches("book", "BTC-USD")
    assert plain(next(parts)) == made.book[: second.first - 1]
    with pytest.raises(StoreError, match="a file of the manifest is missing"):
        next(parts)


def test_what_is_not_kept_is_named_beside_what_is(tmp_path):
    keep(tmp_path, Made(), rolls=1)
    with pytest.raises(StoreError, match=r"nothing of DOGE is kept in .*: expected BTC-USD"):
        reader_of(tmp_path).manifest("DOGE")
    with pytest.raises(
        ConfigError, match="no such channel: expected one of book, trades, levels, got quotes"
    ):
        check_channel("quotes")
    with pytest.raises(ConfigError, match="no such column"):
        check_channel("book", ["when"])
