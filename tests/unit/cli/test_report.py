import pytest
from support.session import session

from rtlab.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("session")
    session(place)
    return place


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return ended.value.code


def test_the_page_is_written_into_the_folder_and_says_how_large_it_is(folder, capsys):
    assert run("report", folder) == 0
    target = folder / "report.html"
    size = target.stat().st_size
    assert capsys.readouterr().out == f"{target}: {size / 1e6:.1f} MB\n"
    assert target.read_text("utf-8").startswith("<!doctype html>")
    assert size < 3_000_000


def test_a_name_and_a_title_can_be_given(folder, tmp_path):
    target = tmp_path / "mine.html"
    assert run("report", folder, "-o", target, "--title", "The day it fell") == 0
    assert "<title>The day it fell</title>" in target.read_text("utf-8")


def test_a_place_that_takes_no_file_is_one_clear_line(folder, tmp_path, capsys):
    assert run("report", folder, "-o", tmp_path / "none" / "a.html") == 2
    told = capsys.readouterr().err
    assert "cannot be written" in told
    assert len(told.splitlines()) == 1


def test_a_folder_without_a_session_is_one_clear_line(tmp_path, capsys):
    assert run("report", tmp_path) == 2
    assert "holds no recorded session" in capsys.readouterr().err
