import os

import pytest

from rtlab.errors import ConfigError, StoreError
from rtlab.store.cold.place import ASIDE, LocalPlace, forget_aside, place_of, told


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
