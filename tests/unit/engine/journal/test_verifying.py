import os

import pytest
from support.journals import journaled, write

from rtlab.engine.journal import KeptSnapshot, verify_journal
from rtlab.engine.journal.snapshots import pack_kept, read_kept
from rtlab.errors import JournalError


def test_a_sound_journal_is_told_as_it_is(tmp_path):
    write(tmp_path, 2000)
    verdict = verify_journal(tmp_path)
    paths = sorted(tmp_path.glob("*.segment"))
    assert verdict.segments == len(paths)
    assert verdict.first == int(paths[0].stem) > 0
    assert (verdict.commands, verdict.torn, verdict.torn_bytes) == (2000, None, 0)
    assert verdict.snapshots == tuple(int(path.stem) for path in sorted(tmp_path.glob("*.snapshot")))
    assert verdict.batches == -(-(2000 - verdict.first) // 37)
    assert verdict.bytes == sum(path.stat().st_size for path in paths)


def test_an_empty_journal_is_sound(tmp_path):
    with journaled(tmp_path):
        pass
    assert verify_journal(tmp_path)[:5] == (0, 0, 0, 0, 0)


def test_a_torn_end_is_told_and_is_no_damage(tmp_path):
    write(tmp_path, 100)
    path = next(tmp_path.glob("*.segment"))
    path.write_bytes(path.read_bytes() + b"\xab" + bytes(8))
    verdict = verify_journal(tmp_path)
    assert (verdict.commands, verdict.torn, verdict.torn_bytes) == (100, path, 9)


def test_room_behind_the_last_batch_is_no_torn_end(tmp_path):
    write(tmp_path, 100)
    path = next(tmp_path.glob("*.segment"))
    whole = verify_journal(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(9))
    assert verify_journal(tmp_path) == whole


def test_a_snapshot_that_recovery_would_pass_over_is_damage(tmp_path):
    write(tmp_path, 2000)
    path = max(tmp_path.glob("*.snapshot"))
    os.truncate(path, 100)
    with pytest.raises(JournalError, match=f"{path}, offset 100: the file is cut off"):
        verify_journal(tmp_path)


def test_an_older_snapshot_that_no_segment_goes_through_is_damage(tmp_path):
    write(tmp_path, 2000)
    path = min(tmp_path.glob("*.snapshot"))
    kept = read_kept(path)
    path.write_bytes(pack_kept(KeptSnapshot(kept.commands, kept.chain ^ 1, kept.engine)))
    with pytest.raises(JournalError, match="the segments do not go through the snapshot"):
        verify_journal(tmp_path)
    path.write_bytes(pack_kept(KeptSnapshot(kept.commands + 1, kept.chain, kept.engine)))
    with pytest.raises(JournalError, match="another time than its name"):
        verify_journal(tmp_path)
