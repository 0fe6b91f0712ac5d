"""A disk that is full stops commands with an error, and loses nothing that was acknowledged."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import full_disk
from support.journals import assert_never_killed, journaled, stream

from rtlab.errors import JournalError

MOUNT = 'mount -t tmpfs -o size=1m rtlab "$1" && shift && exec "$@"'
ISOLATED = (
    ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
)


def mounted(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that alone sees a file system of 1 MiB at `folder`."""
    line = [*ISOLATED, "sh", "-c", MOUNT, "sh", str(folder), *command]
    return subprocess.run(line, capture_output=True, text=True, timeout=100)


def can_mount() -> bool:
    folder = Path("/mnt")
    return shutil.which("unshare") is not None and folder.exists() and mounted(folder, "true").returncode == 0


BOUNDS = ["limit of a file's size", *(["file system of 1 MiB"] if can_mount() else [])]


@pytest.mark.parametrize("bound", BOUNDS)
def test_what_was_acknowledged_before_the_disk_was_full_is_there_after_it(bound, tmp_path):
    if bound == BOUNDS[0]:
        acknowledged, recovered, problem = beyond_the_limit(tmp_path)
        assert "File too large" in problem
    else:
        done = mounted(tmp_path, sys.executable, full_disk.__file__, str(tmp_path))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        acknowledged, recovered, problem = told["acknowledged"], told["recovered"], told["problem"]
        assert "No space left on device" in problem
    assert "none of them is done" in problem or "the snapshot cannot be written" in problem
    assert f"{tmp_path}/" in problem
    assert acknowledged == recovered > 0


def beyond_the_limit(folder: Path) -> tuple[int, int, str]:
    rows, acknowledged, problem = stream(2000), 0, ""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with journaled(folder) as engine:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))  # below what a segment grows to
        try:
            for start in range(0, len(rows), 25):
                engine.process(rows[start : start + 25])
                acknowledged = start + 25
        except JournalError as error:
            problem = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert engine.engine.statistics().commands == acknowledged
        with pytest.raises(JournalError, match="File too large"):
            engine.process(rows[:1])  # for good: nobody can say what the disk has
    with journaled(folder) as engine:
        recovered = engine.engine.statistics().commands
        assert engine.journal.statistics().torn_bytes == 0
        assert_never_killed(engine.engine, recovered)
    return acknowledged, recovered, problem


def test_a_snapshot_that_the_disk_does_not_take_leaves_the_journal_as_it_is(tmp_path):
    rows = stream(400)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with journaled(tmp_path) as engine:
        engine.process(rows[:200])
        resource.setrlimit(resource.RLIMIT_FSIZE, (17_000, hard))
        try:
            with pytest.raises(JournalError, match="the snapshot cannot be written: File too large"):
                engine.journal.keep(engine.journal.position, bytes(20_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        engine.process(rows[200:])
        assert engine.journal.statistics().snapshots == 0
    with journaled(tmp_path) as engine:
        assert_never_killed(engine.engine, 400)
    assert list(tmp_path.glob("*.new")) == []
