import pytest
from support.session import STEP_NS, session

from rtlab.cli import main
from rtlab.lab.session import RecordedSession
from rtlab.store.moments import text_of


@pytest.fixture
def folder(tmp_path):
    session(tmp_path)
    return tmp_path


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return ended.value.code


def test_a_note_is_written_and_read(folder, capsys):
    with RecordedSession(folder) as one:
        moment = one.start + STEP_NS
    text = ("note", folder, "a wall of bids", "--at", moment, "--instrument", "BTC-USD", "--by", "ann")
    assert run(*text) == 0
    assert run("note", folder, "later", "--at", text_of(moment + STEP_NS)) == 0
    capsys.readouterr()
    assert run("note", folder) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{text_of(moment)}\tBTC-USD\ta wall of bids\tann",
        f"{text_of(moment + STEP_NS)}\t*\tlater",
    ]


def test_a_note_without_its_moment_is_one_clear_line(folder, capsys):
    assert run("note", folder, "when?") == 2
    assert "TEXT and --at belong together" in capsys.readouterr().err


def test_a_moment_outside_is_one_clear_line(folder, capsys):
    assert run("note", folder, "when?", "--at", "2001-01-01") == 2
    assert "no such moment" in capsys.readouterr().err
