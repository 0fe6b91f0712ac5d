import pytest

from rtlab.engine.journal.framing import SNAPSHOT, Position, seal
from rtlab.engine.journal.snapshots import KeptSnapshot, pack_kept, read_kept, unpack_kept
from rtlab.errors import JournalError

KEPT = KeptSnapshot(12, 34, b"engine", b"beside")


def test_a_snapshot_comes_back_with_where_it_stands(tmp_path):
    path = tmp_path / "s"
    path.write_bytes(pack_kept(KEPT))
    assert read_kept(path) == KEPT
    assert read_kept(path).position == Position(12, 34)


def test_what_follows_a_snapshot_is_refused():
    with pytest.raises(JournalError, match="something follows"):
        unpack_kept(pack_kept(KEPT) + b"x", "f")


def test_a_snapshot_that_makes_no_sense_or_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(JournalError, match="makes no sense"):
        unpack_kept(seal(SNAPSHOT, b"\xc1"), "f")
    with pytest.raises(JournalError, match="cannot be read"):
        read_kept(tmp_path)
