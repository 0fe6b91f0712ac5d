import os

import pytest
from support.journals import assert_never_killed, files_of, journaled, new_engine, of_matching, stream, write

from rtlab.engine.journal import JournaledEngine, recovered
from rtlab.engine.journal.framing import MATCHING
from rtlab.engine.journal.reading import commands_from, is_journal, read_journal
from rtlab.engine.journal.segments import read_segment
from rtlab.engine.journal.snapshots import KeptSnapshot, pack_kept
from rtlab.errors import JournalError


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "journal", 2000)
    return tmp_path / "journal"


def segments(folder):
    return sorted(folder.glob("*.segment"))


def snapshots(folder):
    return sorted(folder.glob("*.snapshot"))


def test_what_is_read_is_the_newest_snapshot_and_the_batches_after_it(folder):
    reading = read_journal(folder)
    assert reading.snapshot.commands == int(snapshots(folder)[-1].stem) > 0
    assert (reading.end.commands, reading.torn, reading.damaged) == (2000, None, ())
    rows = b"".join(rows.tobytes() for rows in reading.batches())
    assert rows == stream(2000)[reading.snapshot.commands :].tobytes()
    assert {len(rows) for rows in reading.batches()} <= {37, 2000 % 37}


def test_the_oldest_snapshot_leads_to_the_same_engine(folder):
    reading = read_journal(folder, oldest=True)
    assert reading.snapshot.commands == int(snapshots(folder)[0].stem)
    assert reading.newest.commands == int(snapshots(folder)[-1].stem)
    assert_never_killed(recovered(reading.snapshot.engine, reading.batches()), 2000)


def test_a_damaged_snapshot_is_passed_over_for_the_one_before(folder):
    path = snapshots(folder)[-1]
    path.write_bytes(path.read_bytes()[:-1])
    reading = read_journal(folder)
    assert reading.snapshot.commands == int(snapshots(folder)[0].stem)
    assert [error.file for error in reading.damaged] == [str(path)]
    assert_never_killed(recovered(reading.snapshot.engine, reading.batches()), 2000)


def test_where_no_snapshot_is_good_the_newest_is_refused(folder):
    for path in snapshots(folder):
        path.write_bytes(b"rtlabKPT")
    with pytest.raises(JournalError, match=str(snapshots(folder)[-1])):
        read_journal(folder)


def test_a_folder_without_a_journal_is_told(tmp_path):
    assert not is_journal(tmp_path)
    with pytest.raises(JournalError, match="no snapshot of a journal in this folder"):
        read_journal(tmp_path)


def test_a_segment_that_is_missing_in_the_middle_is_told_by_the_next(folder):
    first, middle, last = read_journal(folder, oldest=True).segments[-3:]
    middle.path.unlink()
    with pytest.raises(JournalError, match=f"{last.path}, offset 0: the segment does not follow") as caught:
        read_journal(folder, oldest=True)
    assert f"{first.end.commands:,}" in str(caught.value)


def test_a_segment_that_is_missing_at_the_end_is_told_by_what_was_acknowledged(folder):
    segments(folder)[-1].unlink()
    with pytest.raises(JournalError, match="but 2,000 were acknowledged"):
        read_journal(folder)


def test_a_journal_that_begins_after_its_snapshot_is_refused(folder):
    for path in segments(folder)[:-1]:
        path.unlink()
    with pytest.raises(JournalError, match="begins after the snapshot"):
        read_journal(folder, oldest=True)


def test_without_any_segment_the_journal_is_as_long_as_its_snapshot(tmp_path):
    with journaled(tmp_path) as engine:
        engine.keep()
    assert read_journal(tmp_path).end == (0, 0)
    write(tmp_path, 10)
    for path in segments(tmp_path):
        path.unlink()
    with pytest.raises(JournalError, match="ends after 0 commands, but 10 were acknowledged"):
        read_journal(tmp_path)


def test_files_under_the_name_of_another_time_are_refused(folder):
    path = snapshots(folder)[-1]
    path.rename(path.with_name(path.name.replace("1", "2")))
    with pytest.raises(JournalError, match="of another time than its name"):
        read_journal(folder)
    (folder / path.name.replace("1", "2")).unlink()
    path = segments(folder)[-1]
    path.rename(path.with_stem(f"{int(path.stem) + 1:019}"))
    with pytest.raises(JournalError, match="another than its name says"):
        read_journal(folder)


def test_a_snapshot_of_another_journal_is_refused(folder):
    reading = read_journal(folder)
    kept = reading.snapshot
    snapshots(folder)[-1].write_bytes(pack_kept(KeptSnapshot(kept.commands, kept.chain ^ 1, kept.engine)))
    with pytest.raises(JournalError, match="does not go through the snapshot"):
        read_journal(folder)


def test_a_torn_batch_is_left_out_only_if_nobody_was_told_that_it_is_safe(folder):
    path = segments(folder)[-1]
    before = read_segment(path).boundaries[-2]
    os.truncate(path, path.stat().st_size - 3)
    with pytest.raises(JournalError, match="but commands up to 2,000 were acknowledged"):
        read_journal(folder)
    (folder / "acknowledged").unlink()
    reading = read_journal(folder)
    assert reading.end == before
    assert reading.torn.path == path
    assert_never_killed(recovered(reading.snapshot.engine, reading.batches()), before.commands)


def test_damage_with_a_whole_batch_behind_it_is_no_torn_end_even_if_nothing_is_known(folder):
    (folder / "acknowledged").unlink()
    path = segments(folder)[-1]
    content = bytearray(path.read_bytes())
    content[-(37 * 104 * 2)] ^= 1
    path.write_bytes(content)
    with pytest.raises(JournalError, match="and a whole batch follows at"):
        read_journal(folder)


def test_damage_before_the_snapshot_is_told_as_what_it_is(tmp_path):
    with JournaledEngine(tmp_path, new_engine) as engine:
        engine.process(stream(100))
        engine.process(stream(200)[100:])
        engine.keep()
    path = segments(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1
    path.write_bytes(content)
    with pytest.raises(JournalError, match=f"{path}, offset .*: the checksum of the batch does not fit"):
        read_journal(tmp_path)


def test_damage_in_a_segment_before_the_last_is_refused_there(folder):
    path = read_journal(folder, oldest=True).segments[-2].path
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(JournalError, match=f"{path}, offset"):
        read_journal(folder, oldest=True)
    assert is_journal(folder)
    assert len(files_of(folder)) > 3


@pytest.mark.parametrize("first", [0, 1500, 1501, 1999, 2000, 5000])
def test_commands_are_given_from_any_number_on_as_far_as_they_are_there(first, folder):
    there = int(segments(folder)[0].stem)
    given = list(commands_from(folder, first))
    begin = max(first, there)
    assert b"".join(rows.tobytes() for _, rows in given) == stream(2000)[begin:].tobytes()
    at = begin
    for number, rows in given:
        assert number == at
        at += len(rows)


def test_commands_that_were_done_by_a_version_that_matches_otherwise_are_read_and_not_replayed(folder):
    last = read_journal(folder).segments[-1]
    of_matching(last.path, 1)
    with pytest.raises(
        JournalError, match=rf"{last.path}, offset 0: another version .*expected matching \d, got matching 1"
    ):
        list(read_journal(folder).batches())
    with pytest.raises(JournalError, match="matches otherwise"):
        journaled(folder)
    assert (
        sum(len(rows) for _, rows in commands_from(folder, last.begin.commands)) == 2000 - last.begin.commands
    )


def test_after_a_snapshot_another_version_goes_on_in_a_segment_of_its_own(folder):
    with journaled(folder) as engine:
        engine.keep()
    for path in segments(folder):
        of_matching(path, 1)
    before = segments(folder)
    with journaled(folder) as engine:
        engine.process(stream(2040)[2000:])
    assert [read_segment(path).matching for path in segments(folder)] == [1] * len(before) + [MATCHING]
    write(folder, 2300)
    reading = read_journal(folder)
    assert_never_killed(recovered(reading.snapshot.engine, reading.batches()), 2300)
