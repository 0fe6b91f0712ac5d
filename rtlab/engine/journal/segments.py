"""One segment of a journal, read to its end or to the first byte that is not as it was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rtlab.engine.journal.framing import (
    Batch,
    Position,
    batch_at,
    end_of_torn,
    is_room,
    unpack_segment_head,
    whole_batch_after,
)
from rtlab.errors import JournalError

_LOOKS = 3  # at a file that is being written


class Problem(NamedTuple):
    """What ends a segment before the end of its file; `whole_after` is a later batch that is whole, if there is."""

    offset: int
    what: str
    whole_after: int | None


class Segment(NamedTuple):
    """A segment without its rows: it leads from `begin` to `end`; `boundaries` are all points between batches.

    `bytes` are those that were written, also of a torn batch, without the room behind them.
    """

    path: Path
    matching: int
    begin: Position
    end: Position
    boundaries: tuple[Position, ...]
    good_bytes: int
    bytes: int
    problem: Problem | None

    def refuse(self, what: str, offset: int | None = None, **more: object) -> JournalError:
        """Give the error that names this file; at the end of what is good if nothing else is said."""
        return JournalError(
            what, file=self.path, offset=self.good_bytes if offset is None else offset, **more
        )


def read_segment(path: Path) -> Segment:
    """Check every batch; JournalError when the file cannot be read, its head is damaged or of another layout."""
    data = read_bytes(path)
    head, at = unpack_segment_head(data, path)
    boundaries, problem, looks = [head.position], None, 1
    while at < len(data):
        batch = batch_at(data, at, boundaries[-1])
        if isinstance(batch, str):
            if is_room(data, at):
                break
            problem = Problem(at, batch, whole_batch_after(data, at))
            if problem.whole_after is None or looks == _LOOKS:
                break
            before, data = data, read_bytes(path)
            if before == data:
                break
            problem, looks = (
                None,
                looks + 1,
            )  # it is being written: a page may have been older than the next one
            continue
        boundaries.append(batch.position)
        at = batch.end
    end = at if problem is None else end_of_torn(data, at)
    return Segment(path, head.matching, head.position, boundaries[-1], tuple(boundaries), at, end, problem)


def batches_of(segment: Segment) -> Iterator[Batch]:
    """Give the good batches; JournalError when the file is not what it was when it was checked."""
    data = read_bytes(segment.path)
    head, at = unpack_segment_head(data, segment.path)
    before = head.position
    while at < segment.good_bytes:
        batch = batch_at(data, at, before)
        if isinstance(batch, str):
            raise segment.refuse(f"the file was changed meanwhile: {batch}", at)
        yield batch
        before, at = batch.position, batch.end


def read_bytes(path: Path) -> bytes:
    """Read a whole file; JournalError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise JournalError(f"the segment cannot be read: {error.strerror}", file=path) from error
