import itertools
import os
import resource

import numpy as np
import pytest
from support.journals import INSTRUMENTS, copied, new_engine, stream

from rtlab.engine import Engine
from rtlab.engine.journal import Journal, read_journal, verify_journal
from rtlab.errors import CommandError, JournalError
from rtlab.model import COMMAND


def opened(folder, **more):
    return Journal(folder, lambda: (new_engine().snapshot(), b"mine"), **more)


def names(folder):
    return sorted(
        path.name.lstrip("0") for path in folder.iterdir() if path.suffix in (".segment", ".snapshot")
    )


def test_a_new_journal_begins_with_the_snapshot_of_an_empty_engine(tmp_path):
    with opened(tmp_path) as journal:
        assert journal.position == (0, 0)
        assert Engine.restore(journal.reading.snapshot.engine).instruments == INSTRUMENTS
        assert journal.reading.snapshot.beside == b"mine"
    with Journal(tmp_path, lambda: pytest.fail("it is there already")) as journal:
        assert journal.position == (0, 0)


def test_what_was_appended_is_there_batch_by_batch(tmp_path):
    rows = stream(100)
    with opened(tmp_path) as journal:
        journal.append(rows[:60])
        journal.append(rows[60:60])
        journal.append(rows[60:])
        assert journal.position.commands == 100
        assert journal.statistics()[:2] == (100, 2)
    assert [len(batch) for batch in read_journal(tmp_path).batches()] == [60, 40]


def test_rows_that_lie_apart_are_written_as_they_are(tmp_path):
    rows = stream(100)
    with opened(tmp_path) as journal:
        journal.append(rows[::2])
    assert next(read_journal(tmp_path).batches()).tobytes() == rows[::2].tobytes()


def test_what_is_no_command_rows_is_refused_and_the_journal_goes_on(tmp_path):
    with opened(tmp_path) as journal:
        for wrong in (np.zeros(3), np.zeros((2, 2), COMMAND), [1]):
            with pytest.raises(CommandError, match="no command rows"):
                journal.append(wrong)
        journal.append(stream(5))
        assert journal.position.commands == 5


def test_a_new_segment_begins_when_one_is_full(tmp_path):
    rows = stream(90)
    with opened(tmp_path, segment_bytes=3000) as journal:
        for start in range(0, 90, 15):
            journal.append(rows[start : start + 15])
        assert journal.statistics().segments == 3
    assert names(tmp_path) == [".segment", ".snapshot", "30.segment", "60.segment"]
    assert verify_journal(tmp_path).batches == 6


def test_two_snapshots_are_kept_and_what_came_after_the_older(tmp_path):
    rows = stream(150)
    with opened(tmp_path, segment_bytes=3000) as journal:
        for start in range(0, 150, 15):
            journal.append(rows[start : start + 15])
            if start in (30, 75, 105):
                journal.keep(journal.position, b"state", b"beside")
        assert journal.statistics().snapshots == 3
        assert journal.statistics().removed_files == 5
    assert names(tmp_path) == ["120.segment", "120.snapshot", "90.segment", "90.snapshot"]
    kept = read_journal(tmp_path).snapshot
    assert (kept.commands, kept.engine, kept.beside) == (120, b"state", b"beside")


def test_a_snapshot_may_be_kept_of_a_position_that_is_past(tmp_path):
    rows = stream(60)
    with opened(tmp_path) as journal:
        journal.append(rows[:20])
        position = journal.position
        journal.append(rows[20:])
        journal.keep(position, b"state")
    reading = read_journal(tmp_path)
    assert (reading.snapshot.commands, reading.end.commands) == (20, 60)


def test_a_journal_is_written_by_one_and_closed_for_good(tmp_path):
    with opened(tmp_path) as journal:
        with pytest.raises(JournalError, match="another process writes"):
            opened(tmp_path)
        journal.close()
        with pytest.raises(JournalError, match="the journal is closed"):
            journal.append(stream(1))
        journal.close()
    opened(tmp_path).close()


def test_a_journal_that_is_refused_is_free_for_the_next(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(stream(5))
    content = (tmp_path / "acknowledged").read_bytes()
    (tmp_path / "acknowledged").write_bytes(content[:-1])
    with pytest.raises(JournalError, match="cut off"):
        opened(tmp_path)
    (tmp_path / "acknowledged").write_bytes(content)
    with opened(tmp_path) as journal:
        assert journal.position.commands == 5


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "acknowledged.new").mkdir()
    with pytest.raises(JournalError, match=r"acknowledged\.new, offset 0: the journal cannot be opened"):
        opened(tmp_path)


def test_a_torn_end_is_counted_and_cut_off(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(stream(5))
    path = next(tmp_path.glob("*.segment"))
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"torn")
    with opened(tmp_path) as journal:
        assert journal.statistics().torn_bytes == 4
    assert path.stat().st_size == size


def test_small_batches_have_room_behind_them_which_goes_at_the_end(tmp_path):
    folder = tmp_path / "journal"
    with opened(folder) as journal:
        sizes = set()
        for row in range(20):
            journal.append(stream(20)[row : row + 1])
            path = next(folder.glob("*.segment"))
            sizes.add(path.stat().st_size)
            reading = read_journal(folder)
            assert (reading.end.commands, reading.torn) == (row + 1, None)
        assert len(sizes) == 1  # what is written over makes no file longer
        assert sizes.pop() > reading.segments[-1].bytes
        copied(folder, tmp_path / "killed")
    assert path.stat().st_size == reading.segments[-1].bytes
    with opened(tmp_path / "killed") as journal:
        assert (journal.position.commands, journal.statistics().torn_bytes) == (20, 0)
        journal.append(stream(21)[20:])
    assert verify_journal(tmp_path / "killed").commands == 21


def test_large_batches_and_the_end_of_a_segment_get_no_room(tmp_path):
    with opened(tmp_path) as journal:
        journal.append(stream(100))
        path = next(tmp_path.glob("*.segment"))
        assert path.stat().st_size == read_journal(tmp_path).segments[-1].bytes
    with opened(tmp_path, segment_bytes=path.stat().st_size + 500) as journal:
        journal.append(stream(101)[100:])
        assert path.stat().st_size == read_journal(tmp_path).segments[-1].bytes + 500 - 128


def test_a_disk_that_takes_no_room_takes_commands(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(tmp_path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            for row in range(9):
                journal.append(stream(9)[row : row + 1])
                path = next(tmp_path.glob("*.segment"))
                assert path.stat().st_size == read_journal(tmp_path).segments[-1].bytes
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("call", "written", "is_there"), [(1, False, 5), (1, True, 6), (2, True, 6)])
def test_an_interrupt_in_the_middle_of_a_batch_leaves_a_journal_that_opens_again(
    call, written, is_there, tmp_path, monkeypatch
):
    """It comes before the batch is written, with its last byte, or when it was acknowledged."""
    calls, pwrite = itertools.count(1), os.pwrite

    def interrupted(*arguments):
        is_now = next(calls) == call
        count = pwrite(*arguments) if written or not is_now else 0
        if is_now:
            raise KeyboardInterrupt
        return count

    with opened(tmp_path) as journal:
        journal.append(stream(5)[:4])
        journal.append(stream(5)[4:])  # there is room behind it
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.append(stream(6)[5:])
        with pytest.raises(JournalError, match="interrupted in the middle of a batch: open it again"):
            journal.append(stream(6)[5:])
    with opened(tmp_path) as journal:
        assert journal.position.commands == is_there
        journal.append(stream(9)[is_there:])
    assert verify_journal(tmp_path).commands == 9
