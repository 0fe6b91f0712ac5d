import pytest

from rtlab.engine.journal.acknowledged import pack_acknowledged, read_acknowledged
from rtlab.engine.journal.framing import ACKNOWLEDGED, Position, seal
from rtlab.errors import JournalError

POSITION = Position((1 << 62) + 1, 0xFFFFFFFF)


def test_what_was_acknowledged_comes_back(tmp_path):
    path = tmp_path / "acknowledged"
    path.write_bytes(pack_acknowledged(POSITION))
    assert read_acknowledged(path) == POSITION


def test_every_position_has_the_same_length_so_that_it_is_written_in_place():
    assert len(pack_acknowledged(Position(0, 0))) == len(pack_acknowledged(POSITION))


def test_where_nothing_was_said_nothing_is_known(tmp_path):
    assert read_acknowledged(tmp_path / "acknowledged") is None


@pytest.mark.parametrize(
    "content", [b"", pack_acknowledged(POSITION)[:-1], pack_acknowledged(POSITION) + b"x"]
)
def test_a_file_of_another_length_is_refused(content, tmp_path):
    path = tmp_path / "acknowledged"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="acknowledged, offset"):
        read_acknowledged(path)


def test_a_body_of_another_length_is_refused(tmp_path):
    path = tmp_path / "acknowledged"
    path.write_bytes(seal(ACKNOWLEDGED, b"x"))
    with pytest.raises(JournalError, match="another length"):
        read_acknowledged(path)


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(JournalError, match="cannot be read"):
        read_acknowledged(tmp_path)
