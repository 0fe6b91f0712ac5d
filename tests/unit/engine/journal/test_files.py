import os

import pytest

from rtlab.engine.journal.files import (
    held,
    number_of,
    remove_unfinished,
    segment_path,
    segment_paths,
    snapshot_path,
    snapshot_paths,
    sync,
    sync_folder,
    write_at,
    write_whole,
)
from rtlab.errors import JournalError


def test_files_are_in_the_order_of_their_numbers(tmp_path):
    for number in (1_000_000, 9, (1 << 63) - 1, 20):
        segment_path(tmp_path, number).touch()
        snapshot_path(tmp_path, number).touch()
    expected = [9, 20, 1_000_000, (1 << 63) - 1]
    assert [number_of(path) for path in segment_paths(tmp_path)] == expected
    assert [number_of(path) for path in snapshot_paths(tmp_path)] == expected


def test_a_name_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(JournalError, match="expected a number"):
        number_of(tmp_path / "x.segment")


def test_a_file_is_written_whole_and_over_an_older_one(tmp_path):
    path = tmp_path / "f"
    write_whole(path, b"older and longer")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["f"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "f", b"x")
    assert os.listdir(tmp_path) == ["f"]


def test_unfinished_files_are_removed_and_no_others(tmp_path):
    for name in ("1.segment", "2.snapshot.new"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert os.listdir(tmp_path) == ["1.segment"]


def test_parts_are_written_one_after_the_other_from_an_offset(tmp_path):
    with open(tmp_path / "f", "w+b") as file:
        assert write_at(file.fileno(), [b"ab", memoryview(b"cde"), b""], 3) == 8
        sync(file.fileno())
        sync_folder(tmp_path)
        assert file.read() == b"\0\0\0abcde"


def test_a_folder_is_held_by_one_and_free_again_after_it(tmp_path):
    folder = tmp_path / "a" / "b"
    with (
        held(folder),
        pytest.raises(JournalError, match="another process writes this journal"),
        held(folder),
    ):
        pass
    with held(folder):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be opened"), held(tmp_path / "file"):
        pass
