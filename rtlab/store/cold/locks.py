"""Locks between processes of one machine; the system lets go of them when their holder dies."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rtlab.errors import StoreError
from rtlab.store.cold.place import make_folder


def take(path: Path, *, wait_s: float, what: str) -> int:
    """Lock a file and give it, to be closed; StoreError when another holds it for longer than `wait_s`."""
    import fcntl  # late: Windows has none

    make_folder(path.parent)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise StoreError(f"{path} cannot be written: {problem.strerror}") from problem
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(file)
                raise StoreError(what) from None
            time.sleep(0.002)
        else:
            return file


@contextmanager
def locked(path: Path, *, wait_s: float = 60.0) -> Iterator[None]:
    """Hold a lock for a while."""
    file = take(path, wait_s=wait_s, what=f"{path} has been locked by another process for {wait_s:.0f} s")
    try:
        yield
    finally:
        os.close(file)
