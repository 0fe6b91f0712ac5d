import os
import subprocess
import sys

import pytest

from rtlab.errors import StoreError
from rtlab.store.cold.locks import locked, take

HOLDER = """
import sys
from pathlib import Path
from rtlab.store.cold.locks import take
take(Path(sys.argv[1]), wait_s=0, what="held")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_has_one_holder_and_is_free_when_he_is_killed(tmp_path):
    path = tmp_path / "locks" / "one"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="somebody is there"):
            take(path, wait_s=0, what="somebody is there")
        holder.kill()
    os.close(take(path, wait_s=5, what="still held"))


def test_a_lock_is_let_go_at_the_end_of_the_block(tmp_path):
    for _ in range(3):
        with locked(tmp_path / "one"), pytest.raises(StoreError, match="has been locked"):
            take(tmp_path / "one", wait_s=0, what="it has been locked")


def test_a_lock_in_a_folder_that_cannot_be_made_is_one_error_of_the_store(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be made: Not a directory"):
        take(tmp_path / "file" / "locks" / "one", wait_s=0, what="held")
