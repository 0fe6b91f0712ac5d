"""What a user sees while kernels compile, and when they compile again."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt
import pytest
from numba.core import config

from rtlab.compiling import announce, bare_part, cache_folder, door, exclusive_kernel, kernel, part
from rtlab.errors import LocalError

PROBE = """
import sys
sys.path.insert(0, {room!r})
import pieces
from rtlab.compiling import announce
with announce("the probe"):
    print(pieces.twice_and_more(20))
with announce("the probe again"):
    print(pieces.twice_and_more(20))
"""
PIECES = """
from more import more
from rtlab.compiling import kernel

@kernel
def twice_and_more(number):
    return 2 * number + more(number)
"""
MORE = """
from rtlab.compiling import part

@part
def more(number):
    return {more}
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def probe(room: Path, cache: Path, more: str = "number") -> tuple[list[str], str]:
    (room / "pieces.py").write_text(PIECES)
    (room / "more.py").write_text(MORE.format(more=more))
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(room=str(room))],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return done.stdout.split(), done.stderr


def test_first_run_says_in_one_line_that_it_compiles_and_the_second_is_silent(tmp_path: Path) -> None:
    values, said = probe(tmp_path, tmp_path / "cache")
    assert values == ["60", "60"]
    assert said.count("\n") == 1
    assert said.startswith(f"rtlab: compiling the probe (once, kept in {tmp_path / 'cache'})… ")
    assert said.endswith(" s\n")
    assert float(said.split()[-2]) >= 0

    values, said = probe(tmp_path, tmp_path / "cache")
    assert values == ["60", "60"]
    assert said == ""


def test_a_changed_part_in_another_module_compiles_anew(tmp_path: Path) -> None:
    assert probe(tmp_path, tmp_path / "cache", more="number")[0] == ["60", "60"]
    values, said = probe(tmp_path, tmp_path / "cache", more="number + 1")
    assert values == ["61", "61"]
    assert "compiling" in said


def test_cache_folder_that_cannot_be_made_compiles_without_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    values, said = probe(tmp_path, tmp_path / "file" / "cache")
    assert values == ["60", "60"]
    assert "compiling the probe" in said
    assert (tmp_path / "file").read_text() == "in the way"


def test_kernel_keeps_its_code_in_the_cache_folder_and_leaves_numbas_setting_alone(cache: Path) -> None:
    @kernel
    def half(number: int) -> int:
        return number // 2

    assert str(cache) == config.CACHE_DIR
    assert cache_folder() == cache
    assert half(10) == 5
    assert list(cache.rglob("*half*.nbi"))


def test_cache_folder_is_the_users_own_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    assert cache_folder().name == "rtlab"


def test_part_compiles_into_a_kernel_and_cannot_be_called_from_python(cache: Path) -> None:
    @part
    def plus_one(number: int) -> int:
        return number + 1

    @kernel
    def plus_two(number: int) -> int:
        return plus_one(plus_one(number))

    assert plus_two(40) == 42
    assert not list(cache.rglob("*plus_one*"))


def test_bare_part_counts_no_references_and_makes_no_array() -> None:
    @bare_part
    def sum_of(numbers: np.ndarray, times: int) -> float:
        mine, total = numbers, 0.0
        for _ in range(times):
            mine = numbers if total < 9 else mine
            total += mine[0]
        return total

    @bare_part
    def doubled(numbers: np.ndarray) -> np.ndarray:
        return numbers * 2

    @numba.njit
    def use(numbers: np.ndarray) -> float:
        return sum_of(numbers, 10)

    @numba.njit
    def misuse(numbers: np.ndarray) -> float:
        return doubled(numbers)[0]  # type: ignore[no-any-return]

    assert use(np.ones(3)) == 10
    assert "NRT_incref" not in sum_of.inspect_llvm(sum_of.signatures[0])  # type: ignore[attr-defined]
    with pytest.raises(numba.core.errors.NumbaError, match="Only accept returning of array passed"):
        misuse(np.ones(3))


def test_announcement_is_silent_when_nothing_compiles(capsys: pytest.CaptureFixture[str]) -> None:
    with announce("nothing"):
        pass
    assert capsys.readouterr().err == ""


def test_announcement_ends_its_line_when_the_kernel_raises(capsys: pytest.CaptureFixture[str]) -> None:
    @numba.njit
    def broken(number: int) -> int:
        return number + "1"  # type: ignore[operator, no-any-return]

    with pytest.raises(numba.TypingError), announce("the broken one"):
        broken(1)
    assert capsys.readouterr().err.startswith("rtlab: compiling the broken one")
    with announce("nothing"):
        pass
    assert capsys.readouterr().err == ""


def test_announcement_does_not_speak_for_another_thread(capsys: pytest.CaptureFixture[str]) -> None:
    @numba.njit
    def third(number: int) -> int:
        return number // 3

    with announce("this thread"):
        other = threading.Thread(target=third, args=(9,))
        other.start()
        other.join(60)
        assert not other.is_alive()
    assert third(9) == 3
    assert capsys.readouterr().err == ""


def test_exclusive_kernel_is_kept_like_a_kernel(cache: Path) -> None:
    @exclusive_kernel
    def quarter(number: int) -> int:
        return number // 4

    assert quarter(12) == 3
    assert list(cache.rglob("*quarter*.nbi"))


def test_kernel_runs_without_the_gil_and_exclusive_kernel_with_it(cache: Path) -> None:
    def same(number: int) -> int:
        return number

    assert kernel(same).targetoptions["nogil"] is True  # type: ignore[attr-defined]
    assert exclusive_kernel(same).targetoptions["nogil"] is False  # type: ignore[attr-defined]


def test_the_door_of_a_kernel_does_what_the_kernel_does(cache: Path) -> None:
    words = np.array([3, 4, 5], np.int64)
    summed = kernel(sum_of)
    enter = door(summed, words)
    assert enter(words) == summed(words) == 12
    assert door(summed, numba.int64[::1])(words) == 12  # by the type of what comes
    words[0] = -9
    assert enter(words) == 0, "it sees the array itself, not what was in it"


def test_only_a_kernel_has_a_door() -> None:
    with pytest.raises(LocalError, match="no kernel"):
        door(sum_of, np.zeros(1, np.int64))


def sum_of(words: npt.NDArray[np.int64]) -> int:
    total = 0
    for word in words:
        total += word
    return total
