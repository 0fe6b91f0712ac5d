import gzip
import random
from pathlib import Path

import pytest

from rtlab.errors import SourceError
from rtlab.sources.recording import first_line, lines


def good_lines(path: Path) -> tuple[list[bytes], SourceError]:
    good = list[bytes]()
    with pytest.raises(SourceError) as caught:
        good.extend(lines(path))
    return good, caught.value


@pytest.fixture
def text() -> list[bytes]:
    rng = random.Random(1)
    return [bytes(rng.choices(range(32, 127), k=rng.randrange(200))) for _ in range(5_000)]


def test_lines_of_plain_and_compressed_text_are_the_same(tmp_path: Path, text: list[bytes]) -> None:
    plain, packed = tmp_path / "a", tmp_path / "b"
    plain.write_bytes(b"\n".join(text) + b"\n")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(lines(plain)) == list(lines(packed)) == text


def test_a_last_line_without_end_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(b"one\ntwo"))
    assert list(lines(path)) == [b"one", b"two"]


def test_several_gzip_streams_in_one_file_are_one_text(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"o\nthree\n"))
    assert list(lines(path)) == [b"one", b"two", b"three"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    assert list(lines(path)) == []
    path.write_bytes(gzip.compress(b""))
    assert list(lines(path)) == []


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_gives_all_that_is_good_then_names_the_record(
    tmp_path: Path, text: list[bytes], keep: float
) -> None:
    path = tmp_path / "cut.gz"
    whole = gzip.compress(b"\n".join(text) + b"\n")
    path.write_bytes(whole[: int(len(whole) * keep)])
    good, error = good_lines(path)
    assert good == text[: len(good)]
    assert len(good) > 0.8 * keep * len(text) - 100
    assert str(path) in error.what
    assert f"record {len(good) + 1} " in error.what
    assert "ends inside" in str(error)


def test_only_the_last_byte_missing_is_still_told(tmp_path: Path, text: list[bytes]) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"\n".join(text) + b"\n")[:-1])
    good, error = good_lines(path)
    assert good == text
    assert f"record {len(text) + 1} " in error.what


def test_a_damaged_file_gives_what_lies_before_the_damage(tmp_path: Path, text: list[bytes]) -> None:
    path = tmp_path / "damaged.gz"
    whole = bytearray(gzip.compress(b"\n".join(text) + b"\n"))
    middle = len(whole) // 2
    whole[middle : middle + 400] = bytes(400)
    path.write_bytes(whole)
    good, error = good_lines(path)
    sure = int(len(text) * 0.4)
    assert good[:sure] == text[:sure]
    assert "damaged" in error.what


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gz"
    whole = bytearray(gzip.compress(b"one\ntwo\n"))
    whole[-6] ^= 1
    path.write_bytes(whole)
    good, error = good_lines(path)
    assert good == [b"one", b"two"]
    assert "incorrect data check" in str(error)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    good, error = good_lines(tmp_path / name)
    assert good == []
    assert str(tmp_path) in error.what
    assert "cannot be read" in error.what


def test_a_file_without_line_ends_is_refused_before_memory_is_full(tmp_path: Path) -> None:
    path = tmp_path / "endless.gz"
    path.write_bytes(gzip.compress(bytes(1 << 25), compresslevel=1))
    good, error = good_lines(path)
    assert good == []
    assert "record 1 has no end" in error.what


def test_first_line_gives_it_or_says_that_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\ntwo\n")
    assert first_line(path) == b"one"
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="holds no record"):
        first_line(path)
