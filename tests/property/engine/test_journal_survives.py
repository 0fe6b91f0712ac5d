"""A journal that is killed, cut and damaged anywhere: the engine of a run without a crash, or a refusal."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import journal_run
from support.journals import assert_never_killed, changed, copied, files_of, journaled, stream, write

from rtlab.engine.journal import read_journal, recovered, verify_journal
from rtlab.errors import JournalError

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "20"))
COMMANDS = 2500
pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 3 * ROUNDS)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journal") / "whole"
    write(folder, COMMANDS)
    assert len(files_of(folder)) >= 5, "segments, snapshots and what was acknowledged"
    return folder


def recover(folder: Path):
    reading = read_journal(folder)
    return recovered(reading.snapshot.engine, reading.batches()), reading


def assert_refused_or_whole(folder: Path, path: Path, commands: int) -> bool:
    """Whether it was refused; else nothing that was acknowledged is missing, and nothing is wrong."""
    refusal = None
    try:
        engine, _ = recover(folder)
    except JournalError as error:
        refusal = error
    if refusal is not None:
        assert Path(refusal.file).parent == folder
        assert 0 <= refusal.offset <= max(path.stat().st_size, Path(refusal.file).stat().st_size)
        assert f"{refusal.file}, offset {refusal.offset}: " in str(refusal)
        return True
    assert_never_killed(engine, commands)
    return False


def test_a_byte_that_was_changed_anywhere_is_refused_or_changes_nothing(whole):
    rnd = random.Random(1)
    files = files_of(whole)
    refused = 0
    for _ in range(ROUNDS * 2):
        path = rnd.choice(files)
        content = bytearray(path.read_bytes())
        content[rnd.randrange(len(content))] ^= rnd.randrange(1, 256)
        with changed(path, content):
            refused += assert_refused_or_whole(whole, path, COMMANDS)
            with pytest.raises(JournalError, match="offset"):
                verify_journal(whole)
    print(f"{ROUNDS * 2} bytes changed: {refused} refused, {ROUNDS * 2 - refused} of no effect, 0 wrong")
    assert refused > 0
    assert verify_journal(whole).commands == COMMANDS


def test_a_file_that_was_cut_anywhere_is_refused_or_the_cut_changes_nothing(whole):
    rnd = random.Random(2)
    files = files_of(whole)
    refused = 0
    for _ in range(ROUNDS * 2):
        path = rnd.choice(files)
        content = path.read_bytes()
        with changed(path, content[: rnd.randrange(len(content))]):
            refused += assert_refused_or_whole(whole, path, COMMANDS)
            with pytest.raises(JournalError, match="offset"):
                verify_journal(whole)
    print(f"{ROUNDS * 2} files cut: {refused} refused, {ROUNDS * 2 - refused} of no effect, 0 wrong")
    assert refused > 0


def test_the_last_batch_torn_at_any_byte_is_cut_off_and_the_journal_goes_on(tmp_path):
    rnd = random.Random(3)
    before, folder = tmp_path / "before", tmp_path / "journal"
    write(before, COMMANDS)
    acknowledged = (before / "acknowledged").read_bytes()
    copied(before, folder)
    with journaled(folder) as engine:
        engine.process(stream(COMMANDS + 100)[COMMANDS:])
    path = read_journal(folder).segments[-1].path
    content, size = path.read_bytes(), (before / path.name).stat().st_size
    (folder / "acknowledged").write_bytes(acknowledged)  # it died before it could say so
    for at in [size, size + 1, len(content) - 1, *(rnd.randrange(size, len(content)) for _ in range(ROUNDS))]:
        torn = copied(folder, tmp_path / "torn")
        os.truncate(torn / path.name, at)
        if rnd.random() < 0.3:
            os.truncate(torn / path.name, len(content))  # the size came to the disk, the bytes did not
        write(torn, COMMANDS + 300, batch=100)
        engine, reading = recover(torn)
        assert reading.torn is None
        assert_never_killed(engine, COMMANDS + 300)
        for one in torn.iterdir():
            one.unlink()
        torn.rmdir()


def test_whatever_becomes_of_the_room_behind_the_last_batch_changes_nothing(tmp_path):
    rnd, folder, rows = random.Random(5), tmp_path / "journal", stream(60)
    with journaled(folder) as engine:
        for row in range(len(rows)):
            engine.process(rows[row : row + 1])
        killed = copied(folder, tmp_path / "killed")
    last = read_journal(killed).segments[-1]
    content = last.path.read_bytes()
    assert len(content) > last.good_bytes
    for _ in range(ROUNDS):
        damaged, at = copied(killed, tmp_path / "damaged"), rnd.randrange(last.good_bytes, len(content))
        if rnd.random() < 0.5:
            os.truncate(damaged / last.path.name, at)
        else:
            changed = bytearray(content)
            changed[at] = rnd.randrange(1, 256)
            (damaged / last.path.name).write_bytes(changed)
        write(damaged, 200, batch=3)
        engine, reading = recover(damaged)
        assert reading.torn is None
        assert_never_killed(engine, 200)
        shutil.rmtree(damaged)


def test_an_engine_that_is_killed_at_any_time_has_all_that_was_acknowledged(tmp_path):
    rnd = random.Random(4)
    folder, told = tmp_path / "journal", tmp_path / "told"
    torn = lost = 0
    with subprocess.Popen(
        [sys.executable, journal_run.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runs:
        assert runs.stdin is not None
        assert runs.stdout is not None
        for _ in range(ROUNDS):
            before = _told(told)
            batch = rnd.choice((1, 9, 80, 300))
            runs.stdin.write(json.dumps({"folder": str(folder), "told": str(told), "batch": batch}) + "\n")
            runs.stdin.flush()
            child = int(runs.stdout.readline())
            end = time.monotonic() + 60
            while _told(told) == before:
                assert time.monotonic() < end
                time.sleep(0.0005)
            time.sleep(rnd.random() * 0.05)  # where in its work it is hit
            os.kill(child, signal.SIGKILL)
            assert runs.stdout.readline() == "ended\n"
            acknowledged = _told(told)
            engine, reading = recover(folder)
            torn += reading.torn is not None
            lost += reading.end.commands < acknowledged
            assert_never_killed(engine, reading.end.commands)
        runs.stdin.close()
    print(f"{ROUNDS} kills, {acknowledged:,} commands acknowledged: {torn} torn batches, {lost} losses")
    assert lost == 0
    assert verify_journal(folder).commands == reading.end.commands


def _told(path: Path) -> int:
    return int.from_bytes(path.read_bytes(), "little") if path.exists() else 0
