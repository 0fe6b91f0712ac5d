import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import checkpointed
from support.frames import random_trades

from rtlab.errors import SourceError
from rtlab.pipelines.checkpoint import Checkpoint, load, save


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / "one"
    assert load(path) is None
    for number in range(3):
        save(path, Checkpoint(number, 2 * number, b"state %d" % number))
    assert load(path) == Checkpoint(2, 4, b"state 2")
    assert os.listdir(tmp_path) == ["one"]


def test_a_torn_checkpoint_beside_it_changes_nothing(tmp_path):
    save(tmp_path / "one", Checkpoint(1, 1, b"x"))
    (tmp_path / "one.new").write_bytes(b"half of a ")
    assert load(tmp_path / "one") == Checkpoint(1, 1, b"x")


def test_a_damaged_checkpoint_is_told_by_its_path(tmp_path):
    save(tmp_path / "one", Checkpoint(1, 1, b"x"))
    content = (tmp_path / "one").read_bytes()
    (tmp_path / "one").write_bytes(content[:-1] + b"!")
    with pytest.raises(SourceError, match="one: a saved state is damaged"):
        load(tmp_path / "one")


def prepared(folder: Path, rows: int) -> Path:
    folder.mkdir()
    np.save(folder / "rows.npy", random_trades(5, rows, jitter=10**8))
    return folder


def test_a_run_killed_at_random_points_equals_one_that_was_not(tmp_path):
    """Real kills: 10 points, 100 with RTLAB_ROUNDS."""
    kills, rows = (100, 60_000) if "RTLAB_ROUNDS" in os.environ else (10, 8_000)
    whole, killed = prepared(tmp_path / "whole", rows), prepared(tmp_path / "killed", rows)
    checkpointed.run(whole)
    rng, points = np.random.default_rng(1), []
    command = [sys.executable, checkpointed.__file__, str(killed)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert child.stdin is not None
    assert child.stdout is not None
    while len(points) < kills:
        child.stdin.write("go\n")
        pid = int(child.stdout.readline())
        target = standing(killed) + int(rng.integers(0, rows // 4))
        while standing(killed) < target and not (killed / "done").exists():
            time.sleep(0.001)
        time.sleep(float(rng.uniform(0, 0.01)))
        with contextlib.suppress(ProcessLookupError):  # it got through just now
            os.kill(pid, signal.SIGKILL)
        if int(child.stdout.readline()) == signal.SIGKILL:
            points.append(standing(killed))
        if (
            killed / "done"
        ).exists():  # it got through before all kills were spent: once more from the beginning
            assert_equal(killed, whole)
            for name in ("done", "checkpoint", "out"):
                (killed / name).unlink()
    child.stdin.close()
    assert child.wait(30) == 0
    child.stdout.close()
    assert len(set(points)) > kills // 2
    checkpointed.run(killed)
    assert_equal(killed, whole)


def standing(folder: Path) -> int:
    found = load(folder / "checkpoint")
    return found.position if found else 0


def assert_equal(killed: Path, whole: Path) -> None:
    for name in ("out", "done"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
