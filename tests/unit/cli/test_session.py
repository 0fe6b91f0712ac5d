import subprocess
import sys

import pytest
from support.command import rtlab
from support.session import STEP_NS, session

from rtlab.cli import main
from rtlab.lab.session import RecordedSession
from rtlab.store.moments import text_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("session")
    session(place)
    return place


def test_a_checked_session_ends_with_its_digest(folder):
    done = rtlab("replay", folder, "--verify", "--speed", "100", "--batch", "11")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2] == "books at the end: the reader's equal to the server's, the server's to the stored ones"
    assert lines[-1].startswith("digest: ")
    assert len(lines[-1]) == len("digest: ") + 64


def test_a_session_is_steered_from_standard_input_and_tells_its_notes(folder):
    with RecordedSession(folder) as one:
        start, end = one.start, one.end
        one.note("look here", start + 60 * STEP_NS, by="ann")
    begin = text_of(start + 20 * STEP_NS)
    words = f"hold\nwhere\nfly\nseek {text_of(start + 50 * STEP_NS)}\ngo\nspeed max\n"
    command = [sys.executable, "-m", "rtlab", "replay", str(folder), "--port", "0", "--from", begin]
    done = subprocess.run(
        [*command, "--speed", "0.01"], input=words, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"BTC-USD from {text_of(start)}, 6 s: feed at ws://127.0.0.1:")
    assert sum(line.endswith(", held") for line in lines) == 3
    assert any(line.startswith("? this steers no replay") for line in lines)
    assert lines[-2] == f"{text_of(start + 60 * STEP_NS)}: look here (ann)"
    assert lines[-1].startswith("readers: 0 in all, ")
    assert end > start


@pytest.mark.parametrize(
    ("words", "says"),
    [((), "holds no recorded session"), (("--from", "2024-08-09", "--verify"), "folder of a session")],
)
def test_what_cannot_be_played_is_one_clear_line(tmp_path, capsys, words, says):
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(tmp_path), *words])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert says in told
    assert len(told.splitlines()) == 1
