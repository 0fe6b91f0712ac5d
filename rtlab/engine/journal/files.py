"""The files of a journal's folder: named, made durable, and held by one process at a time."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rtlab.engine.journal.framing import SMALL
from rtlab.errors import JournalError

ACKNOWLEDGED = "acknowledged"
_LOCK, _SEGMENT, _SNAPSHOT, _TEMPORARY = "lock", ".segment", ".snapshot", ".new"
_DIGITS = 19  # of the highest int64


def segment_path(folder: Path, commands: int) -> Path:
    """Name the segment whose first command has this number."""
    return folder / f"{commands:0{_DIGITS}}{_SEGMENT}"


def snapshot_path(folder: Path, commands: int) -> Path:
    """Name the snapshot that stands after so many commands."""
    return folder / f"{commands:0{_DIGITS}}{_SNAPSHOT}"


def segment_paths(folder: Path) -> list[Path]:
    """Give the segments, oldest first."""
    return sorted(folder.glob(f"*{_SEGMENT}"))


def snapshot_paths(folder: Path) -> list[Path]:
    """Give the snapshots, oldest first."""
    return sorted(folder.glob(f"*{_SNAPSHOT}"))


def number_of(path: Path) -> int:
    """Give the number of commands that a file's name says."""
    try:
        return int(path.stem)
    except ValueError:
        raise JournalError("the name is none of a journal's file", file=path, expected="a number") from None


def sync(file: int) -> None:
    """Wait until what was written to this file descriptor would survive a power cut."""
    if sys.platform == "darwin":
        import fcntl  # fsync ends there before the disk has it

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)


def sync_folder(folder: Path) -> None:
    """Wait until the names in this folder would survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_at(file: int, parts: Sequence[bytes | memoryview], offset: int) -> int:
    """Write all parts from `offset` on, and give where they end."""
    if sum(map(len, parts)) <= SMALL:
        parts = [b"".join(parts)]
    for part in parts:
        view = memoryview(part)
        while len(view):
            written = os.pwrite(file, view, offset)
            view, offset = view[written:], offset + written
    return offset


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there as a whole or not at all: aside, synced, renamed."""
    aside = path.with_name(path.name + _TEMPORARY)
    opened = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        try:
            write_at(opened, [data], 0)
            sync(opened)
        finally:
            os.close(opened)
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):  # the first problem is the one to tell
            aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Remove what a crash left of files that were being written aside."""
    for path in folder.glob(f"*{_TEMPORARY}"):
        path.unlink()


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder, made if need be, for this process alone; JournalError while another has it."""
    try:
        import fcntl
    except ImportError:
        raise JournalError("a journal needs the locks of a POSIX system", file=folder) from None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalError(f"the journal cannot be opened: {error.strerror}", file=folder) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError("another process writes this journal: end it first", file=folder) from None
        yield
    finally:
        os.close(lock)
