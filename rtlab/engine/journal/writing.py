"""The journal as it is written: batches of commands appended and synced, segments, snapshots, compaction.

    append ──▶ written ──▶ synced ──▶ acknowledged        in this order, before any of the commands is done

A problem at any of these (a full disk above all) stops the journal for good: what the batch left is cut off, the
error says so, and nothing that was acknowledged is touched. Who opens the folder again goes on from there.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from rtlab.engine.convert import command_rows
from rtlab.engine.journal.acknowledged import pack_acknowledged
from rtlab.engine.journal.files import (
    ACKNOWLEDGED,
    held,
    number_of,
    remove_unfinished,
    segment_path,
    segment_paths,
    snapshot_path,
    snapshot_paths,
    sync,
    sync_folder,
    write_at,
    write_whole,
)
from rtlab.engine.journal.framing import (
    MATCHING,
    MOST_ROWS,
    SMALL,
    Position,
    RowArray,
    pack_batch,
    pack_segment_head,
)
from rtlab.engine.journal.reading import Reading, is_journal, read_journal
from rtlab.engine.journal.snapshots import KeptSnapshot, pack_kept
from rtlab.errors import CommandError, JournalError

SEGMENT_BYTES = 64 << 20
_ROOM = bytes(256 << 10)
"""Written behind a small batch: a disk syncs what is written over sooner than what makes a file longer."""
KEPT_SNAPSHOTS = 2
"""A second one, so that a damaged snapshot costs time and nothing else."""


class JournalStatistics(NamedTuple):
    """Since the journal was opened, but for `commands`, which is over its whole life."""

    commands: int
    batches: int
    bytes: int
    segments: int
    snapshots: int
    removed_files: int
    torn_bytes: int
    damaged_snapshots: int


class Journal:
    """A folder of commands, open for writing by this process alone; `with Journal(folder, new) as journal`.

    `new` gives what a journal begins with: the snapshot of an empty engine, and what is kept beside it. An existing
    journal goes on from what `reading` holds, and a torn batch at its end is cut off. A new segment begins when one
    has grown beyond `segment_bytes`. JournalError when the folder is in use, damaged (see `read_journal`) or cannot
    be written.
    """

    def __init__(
        self,
        folder: Path,
        new: Callable[[], tuple[bytes, bytes]],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        oldest: bool = False,
    ) -> None:
        self.folder, self._segment_bytes = folder, segment_bytes
        self._files = contextlib.ExitStack()
        self._problem: JournalError | None = None
        self._position = Position(0, 0)
        self._path, self._segment, self._end = folder, -1, 0
        self._written = self._file_end = 0  # where room begins and ends
        self._room = _ROOM
        self._acknowledged = -1
        self._batches = self._bytes = self._segments = self._snapshots = self._removed = self._torn = 0
        with self._files as opening:
            opening.enter_context(held(folder))
            try:
                self.reading = self._open(new, oldest=oldest)
            except OSError as error:
                raise JournalError(
                    f"the journal cannot be opened: {error.strerror}", file=error.filename or folder
                ) from error
            self._files = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def position(self) -> Position:
        """Where the journal stands: after everything that was acknowledged."""
        return self._position

    def append(self, rows: RowArray, meanwhile: Callable[[], object] | None = None) -> None:
        """Return when these COMMAND rows are on the disk; only then may anybody be told what became of them.

        `meanwhile` is called when they are written, before the sync that the disk takes its time for.

        CommandError when they are no COMMAND rows. JournalError when the disk does not take them: then none of them
        is in the journal, and the journal is closed for good.
        """
        commands = command_rows(rows)
        if self._problem is not None:
            raise self._problem
        if len(commands) > MOST_ROWS:
            raise CommandError("the batch is too long for a journal", expected=MOST_ROWS, got=len(commands))
        if len(commands) == 0:
            return
        parts, position = pack_batch(self._position, commands)
        try:
            if self._segment < 0 or self._end >= self._segment_bytes:
                self._begin_segment()
            end = self._write(parts)
            if meanwhile is not None:
                meanwhile()
            sync(self._segment)
            os.pwrite(self._acknowledged, pack_acknowledged(position), 0)
        except OSError as error:
            raise self._stop(error, len(commands)) from error
        except BaseException:  # an interrupt: whether the batch is there is known to who opens it again
            what = "the journal was interrupted in the middle of a batch: open it again"
            self._problem = JournalError(what, file=self._path, offset=self._end)
            raise
        self._bytes += end - self._end
        self._batches += 1
        self._end, self._position = end, position

    def keep(self, position: Position, engine: bytes, beside: bytes = b"") -> None:
        """Keep a snapshot of the engine as it stood at `position`, then remove what no recovery needs any more.

        That is all but the two newest snapshots and what came after the older of them. It may run in another thread
        than `append`. JournalError when the disk does not take it: commands go on all the same.
        """
        path = snapshot_path(self.folder, position.commands)
        try:
            write_whole(path, pack_kept(KeptSnapshot(*position, engine, beside)))
            self._snapshots += 1
            self._compact()
        except OSError as error:
            raise JournalError(f"the snapshot cannot be written: {error.strerror}", file=path) from error

    def statistics(self) -> JournalStatistics:
        """Count what was written, removed, cut off and found damaged."""
        return JournalStatistics(
            commands=self._position.commands,
            batches=self._batches,
            bytes=self._bytes,
            segments=self._segments,
            snapshots=self._snapshots,
            removed_files=self._removed,
            torn_bytes=self._torn,
            damaged_snapshots=len(self.reading.damaged),
        )

    def close(self) -> None:
        """Let go of the folder. Idempotent; whatever was acknowledged is there already."""
        if self._problem is None:
            self._problem = JournalError("the journal is closed", file=self.folder)
        self._files.close()

    def _open(self, new: Callable[[], tuple[bytes, bytes]], *, oldest: bool) -> Reading:
        remove_unfinished(self.folder)
        if not is_journal(self.folder):
            write_whole(self.folder / ACKNOWLEDGED, pack_acknowledged(Position(0, 0)))
            write_whole(snapshot_path(self.folder, 0), pack_kept(KeptSnapshot(0, 0, *new())))
        reading = read_journal(self.folder, oldest=oldest)
        self._position = reading.end
        self._files.callback(self._leave_segment)
        if reading.segments:
            last = reading.segments[-1]
            self._use(last.path, last.good_bytes)
            self._torn = last.bytes - last.good_bytes
            os.ftruncate(self._segment, last.good_bytes)  # what is torn, and room
            sync(self._segment)  # what was only in the kernel's memory when the process before died
            if last.matching != MATCHING:
                self._leave_segment()  # what comes now is done by ours
        path = self.folder / ACKNOWLEDGED
        self._acknowledged = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._files.callback(os.close, self._acknowledged)
        os.pwrite(self._acknowledged, pack_acknowledged(self._position), 0)
        return reading

    def _write(self, parts: list[bytes | memoryview]) -> int:
        end = self._written = self._end + sum(map(len, parts))
        write_at(self._segment, parts, self._end)
        if end > self._file_end:
            self._file_end = end
            room = self._room[: max(0, self._segment_bytes - end)]
            if room and end - self._end <= SMALL:
                self._make(room, end)
        return end

    def _make(self, room: bytes, end: int) -> None:
        try:
            self._file_end = write_at(self._segment, [room], end)
        except OSError:  # what such a disk has left is for commands
            os.ftruncate(self._segment, end)
            self._room = b""

    def _begin_segment(self) -> None:
        path, head = segment_path(self.folder, self._position.commands), pack_segment_head(self._position)
        write_whole(path, head)
        self._use(path, len(head))
        self._segments += 1

    def _use(self, path: Path, end: int) -> None:
        opened = os.open(path, os.O_RDWR)
        self._leave_segment()
        self._path, self._segment = path, opened
        self._end = self._written = self._file_end = end

    def _leave_segment(self) -> None:
        if self._segment >= 0:
            if self._file_end > self._written:
                with contextlib.suppress(OSError):  # room does no harm
                    os.ftruncate(self._segment, self._written)
            os.close(self._segment)
        self._segment = -1

    def _compact(self) -> None:
        for path in self._not_needed():
            path.unlink()
            self._removed += 1
        sync_folder(self.folder)

    def _not_needed(self) -> Iterator[Path]:
        snapshots, segments = snapshot_paths(self.folder), segment_paths(self.folder)
        yield from snapshots[:-KEPT_SNAPSHOTS]
        oldest = number_of(snapshots[-KEPT_SNAPSHOTS:][0])
        for path, following in pairwise(segments):
            if number_of(following) <= oldest:
                yield path

    def _stop(self, error: OSError, count: int) -> JournalError:
        what = f"the disk does not take {count:,} commands ({error.strerror}): none of them is done"
        if self._segment >= 0:
            try:
                os.ftruncate(self._segment, self._end)
                self._file_end = self._written = self._end
                sync(self._segment)
            except OSError as again:
                what += f"; what is there of them is cut off at the next opening ({again.strerror})"
        self._problem = JournalError(what, file=self._path, offset=self._end)
        return self._problem
