import os
import threading

import pytest

from rtlab.errors import ConfigError, StoreError
from rtlab.store.cold.place import ASIDE, LocalPlace, _unless_gone, forget_aside, make_folder, place_of, told


def test_a_file_is_replaced_whole_and_nothing_is_left_aside(tmp_path):
    place = LocalPlace(tmp_path)
    place.write("a/b.json", b"first")
    place.write("a/b.json", b"second")
    assert place.read("a/b.json") == b"second"
    assert place.paths("a") == ["a/b.json"]
    assert place.paths(ASIDE) == []


def test_a_made_file_is_moved(tmp_path):
    made = tmp_path / "made"
    made.write_bytes(b"rows")
    place = LocalPlace(tmp_path / "store")
    place.put(made, "date=2024-01-01/x.parquet")
    assert not made.exists()
    assert place.read("date=2024-01-01/x.parquet") == b"rows"
    place.delete("date=2024-01-01/x.parquet")
    place.delete("date=2024-01-01/x.parquet")
    with pytest.raises(FileNotFoundError):
        place.read("date=2024-01-01/x.parquet")


def test_what_takes_nothing_is_a_clear_error_that_names_it():
    with (
        pytest.raises(StoreError, match="/there/x cannot be used: No space left on device"),
        told("/there/x"),
    ):
        raise OSError(28, os.strerror(28))


def test_a_place_is_a_folder_or_a_bucket(tmp_path):
    assert place_of(tmp_path).root == str(tmp_path)
    with pytest.raises(ConfigError, match=r"expected a folder or s3://bucket/prefix, got ftp://x"):
        place_of("ftp://x")


def test_what_lies_aside_can_be_forgotten(tmp_path):
    (tmp_path / "aside").mkdir()
    forget_aside(tmp_path / "aside")
    forget_aside(tmp_path / "aside")
    assert not (tmp_path / "aside").exists()


def test_files_are_listed_while_others_take_folders_away(tmp_path):
    place, ended, taken = LocalPlace(tmp_path), threading.Event(), []
    place.write("date=1/kept", b"x")
    aside = tmp_path / ASIDE / "BTC-USD.record"

    def churn():
        while not ended.is_set():
            (aside / "deep").mkdir(parents=True)
            (aside / "deep" / "part").write_bytes(b"x")
            forget_aside(aside)
            taken.append(aside)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        listed = 0
        while listed < 200 or len(taken) < 50:
            assert "date=1/kept" in place.paths("")
            listed += 1
    finally:
        ended.set()
        thread.join()
    assert place.paths("") == ["date=1/kept"]
    assert place.paths("date=2") == []


def test_a_folder_that_cannot_be_read_is_no_empty_one(tmp_path):
    with pytest.raises(PermissionError):
        _unless_gone(PermissionError(13, "Permission denied"))
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(NotADirectoryError):
        LocalPlace(tmp_path).paths("file")


def test_a_file_is_no_place_and_a_folder_that_cannot_be_made_says_why(tmp_path):
    (tmp_path / "ten.csv").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"ten\.csv is a file: expected the folder of a store"):
        place_of(tmp_path / "ten.csv")
    with pytest.raises(StoreError, match=r"the folder .*ten\.csv/x cannot be made: Not a directory"):
        make_folder(tmp_path / "ten.csv" / "x")
