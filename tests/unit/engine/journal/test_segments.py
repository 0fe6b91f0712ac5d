import numpy as np
import pytest

from rtlab.engine.journal import segments
from rtlab.engine.journal.framing import Position, pack_batch, pack_segment_head
from rtlab.engine.journal.segments import batches_of, read_bytes, read_segment
from rtlab.errors import JournalError
from rtlab.model import COMMAND

START = Position(40, 5)


def segment(path, *counts):
    data, at, ends = pack_segment_head(START), START, []
    for count in counts:
        rows = np.zeros(count, COMMAND)
        rows["price"] = count
        parts, at = pack_batch(at, rows)
        ends.append(len(data))
        data += b"".join(parts)
    path.write_bytes(data)
    return at, ends


def test_a_whole_segment_is_read_to_its_end(tmp_path):
    end, _ = segment(tmp_path / "s", 3, 1, 2)
    read = read_segment(tmp_path / "s")
    assert (read.begin, read.end, read.problem) == (START, end, None)
    assert [point.commands for point in read.boundaries] == [40, 43, 44, 46]
    assert read.good_bytes == read.bytes == (tmp_path / "s").stat().st_size
    assert [len(batch.rows) for batch in batches_of(read)] == [3, 1, 2]
    assert [batch.rows["price"].tolist() for batch in batches_of(read)] == [[3, 3, 3], [1], [2, 2]]


def test_a_segment_without_a_batch_ends_where_it_begins(tmp_path):
    segment(tmp_path / "s")
    read = read_segment(tmp_path / "s")
    assert (read.end, read.problem, list(batches_of(read))) == (START, None, [])


def test_a_segment_is_read_up_to_what_is_not_as_it_was_written(tmp_path):
    _, begins = segment(tmp_path / "s", 3, 1, 2)
    content = bytearray(read_bytes(tmp_path / "s"))
    content[begins[1] + 30] ^= 1
    (tmp_path / "s").write_bytes(content)
    read = read_segment(tmp_path / "s")
    assert (read.end.commands, read.good_bytes) == (43, begins[1])
    assert read.problem == (begins[1], "the checksum of the batch does not fit", begins[2])
    assert [len(batch.rows) for batch in batches_of(read)] == [3]


def test_a_cut_end_has_no_whole_batch_behind_it(tmp_path):
    _, begins = segment(tmp_path / "s", 3, 1)
    (tmp_path / "s").write_bytes(read_bytes(tmp_path / "s")[:-1])
    read = read_segment(tmp_path / "s")
    assert (read.problem.offset, read.problem.whole_after) == (begins[1], None)
    assert "127 of 128 bytes" in read.problem.what


@pytest.mark.parametrize("room", [1, 23, 5000])
def test_zeros_behind_the_last_batch_are_room_and_a_byte_in_them_is_a_problem(room, tmp_path):
    path = tmp_path / "s"
    end, begins = segment(path, 3, 1)
    whole = read_bytes(path)
    path.write_bytes(whole + bytes(room))
    read = read_segment(path)
    assert (read.end, read.good_bytes, read.bytes, read.problem) == (end, len(whole), len(whole), None)
    path.write_bytes(whole + bytes(room - 1) + b"x")
    assert read_segment(path).problem.offset == len(whole)
    path.write_bytes(whole[:-100] + bytes(room + 100))
    torn = read_segment(path)  # its head is there, and not all of its row
    assert (torn.good_bytes, torn.bytes, torn.problem.offset) == (begins[1], len(whole), begins[1])


def test_a_page_that_was_read_before_the_next_one_was_written_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "s"
    end, begins = segment(path, 3, 1, 2)
    whole = read_bytes(path)
    torn = whole[: begins[1]] + bytes(begins[2] - begins[1]) + whole[begins[2] :]
    reads = iter([torn, torn + b"more", whole])
    monkeypatch.setattr(segments, "read_bytes", lambda _: next(reads))
    assert read_segment(path).end == end
    reads = iter([torn, torn])
    assert read_segment(path).problem == (begins[1], "no batch begins here", begins[2])
    reads = iter([torn, torn + b"1", torn + b"2", whole])
    assert read_segment(path).problem is not None, "it is not looked at for ever"


def test_a_file_that_changes_between_two_looks_is_told(tmp_path):
    _, begins = segment(tmp_path / "s", 3, 1)
    read = read_segment(tmp_path / "s")
    (tmp_path / "s").write_bytes(read_bytes(tmp_path / "s")[:-1])
    with pytest.raises(JournalError, match=f"s, offset {begins[1]}: the file was changed meanwhile"):
        list(batches_of(read))


def test_an_error_of_a_segment_names_the_file_and_where_what_is_good_ends(tmp_path):
    segment(tmp_path / "s", 2)
    read = read_segment(tmp_path / "s")
    error = read.refuse("so", expected=1, got=2)
    assert str(error) == f"{tmp_path}/s, offset {read.bytes}: so: expected 1, got 2"
    assert (error.file, error.offset) == (str(tmp_path / "s"), read.bytes)
    assert read.refuse("so", 3).offset == 3


def test_a_segment_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(JournalError, match="cannot be read"):
        read_segment(tmp_path)
