import subprocess

import pytest
from support.recorded import missing

from rtlab.cli.bench.crowd import SOURCES
from rtlab.cli.bench.crowd.building import binary, compiler
from rtlab.errors import LocalError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    if compiler() is None:
        missing("no C compiler")
    monkeypatch.setattr("rtlab.cli.bench.crowd.building.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_a_program_is_compiled_once_and_anew_when_its_source_changes(cache, tmp_path):
    source = tmp_path / "seven.c"
    source.write_text("int main(void) { return 7; }\n")
    first = binary("seven", [source])
    made = first.stat().st_mtime_ns
    assert subprocess.run([first], check=False).returncode == 7
    assert binary("seven", [source]) == first
    assert first.stat().st_mtime_ns == made
    source.write_text("int main(void) { return 8; }\n")
    assert subprocess.run([binary("seven", [source])], check=False).returncode == 8


def test_what_does_not_compile_is_one_clear_line_and_leaves_nothing(cache, tmp_path):
    source = tmp_path / "wrong.c"
    source.write_text("int main(void) { return seven; }\n")
    with pytest.raises(LocalError, match=r"does not make wrong: .*seven"):
        binary("wrong", [source])
    assert list(cache.iterdir()) == []


def test_a_machine_without_a_compiler_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(LocalError, match="no C compiler for readers"):
        binary("readers", SOURCES)


def test_the_readers_compile_without_a_warning(cache):
    assert binary("readers", SOURCES).exists()
