"""What a journal's folder holds: the newest good snapshot, what came after it, and what is wrong.

The last batch may be torn: it was being written when the process or the machine died, and nobody was told that
it is safe. It is left out, and cut off by who writes on. It is taken for torn only if no whole batch comes after
it and what was acknowledged ends before it; every other byte that is not as it was written is refused with its
file and offset, and so is a journal that ends before what was acknowledged.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rtlab.engine.journal.acknowledged import read_acknowledged
from rtlab.engine.journal.files import ACKNOWLEDGED, number_of, segment_paths, snapshot_paths
from rtlab.engine.journal.framing import MATCHING, Position, RowArray
from rtlab.engine.journal.segments import Segment, batches_of, read_segment
from rtlab.engine.journal.snapshots import KeptSnapshot, read_kept
from rtlab.errors import JournalError


class Reading(NamedTuple):
    """What to recover from: `snapshot`, then the batches after it, up to `end`.

    `segments` are those with batches after the snapshot. `newest` is the newest good snapshot, `damaged` tells what
    is wrong with those that are not good. `torn` is the segment whose last batch is not whole.
    """

    snapshot: KeptSnapshot
    segments: tuple[Segment, ...]
    end: Position
    torn: Segment | None
    newest: KeptSnapshot
    damaged: tuple[JournalError, ...]

    def batches(self) -> Iterator[RowArray]:
        """Give the COMMAND rows after the snapshot, batch by batch as they were appended.

        JournalError where a version did them that matches otherwise: this one would give other events than it gave.
        """
        for segment in self.segments:
            if segment.matching != MATCHING and segment.end.commands > self.snapshot.commands:
                what = "another version did these commands, and matches otherwise: let it keep a snapshot behind them"
                raise segment.refuse(
                    what, 0, expected=f"matching {MATCHING}", got=f"matching {segment.matching}"
                )
            for batch in batches_of(segment):
                if batch.position.commands > self.snapshot.commands:
                    yield batch.rows


def is_journal(folder: Path) -> bool:
    """Tell whether there is anything of a journal in the folder."""
    return bool(segment_paths(folder) or snapshot_paths(folder))


def read_journal(folder: Path, *, oldest: bool = False) -> Reading:
    """Check what a recovery needs, and give it; from the oldest good snapshot instead of the newest if asked.

    The oldest is the first behind which no other version did what it matches otherwise than this one.

    JournalError, which names file and offset, when there is no journal, none of its snapshots is good, a byte was
    changed, commands are missing, or its rows are of another layout.
    """
    acknowledged = read_acknowledged(folder / ACKNOWLEDGED)
    good, damaged = _snapshots(folder)
    kept, newest = good[0 if oldest else -1], good[-1]
    segments = _segments_from(folder, kept.position)
    others = [one.end.commands for one in segments if one.matching != MATCHING]
    if others and oldest:
        kept = next((one for one in good if one.commands >= others[-1]), newest)
        segments = _segments_from(folder, kept.position)
    last = segments[-1] if segments else None
    end = last.end if last is not None else kept.position
    torn = last if last is not None and last.problem is not None else None
    if torn is not None:
        _must_be_torn(torn, acknowledged)
    if acknowledged is not None and end.commands < acknowledged.commands:
        what = f"the journal ends after {end.commands:,} commands, but {acknowledged.commands:,} were acknowledged"
        if last is not None:
            raise last.refuse(what)
        raise JournalError(what, file=folder)
    return Reading(kept, tuple(segments), end, torn, newest, tuple(damaged))


def commands_from(folder: Path, first: int = 0) -> Iterator[tuple[int, RowArray]]:
    """Give what is there of the commands from number `first` on, as (number of the first row, COMMAND rows).

    JournalError as `read_journal` has it.
    """
    read_journal(folder)
    paths = segment_paths(folder)
    later = [number_of(path) for path in paths[1:]]
    segments = [read_segment(path) for path in paths[bisect_right(later, first) :]]
    check_order(segments)
    for segment in segments:
        for batch in batches_of(segment):
            begin = batch.position.commands - len(batch.rows)
            if batch.position.commands > first:
                skipped = max(0, first - begin)
                yield begin + skipped, batch.rows[skipped:]


def _snapshots(folder: Path) -> tuple[list[KeptSnapshot], list[JournalError]]:
    """Give the good snapshots, oldest first, and what is wrong with the others; JournalError when none is good."""
    good, damaged = list[KeptSnapshot](), list[JournalError]()
    for path in snapshot_paths(folder):
        try:
            kept = read_kept(path)
        except JournalError as error:
            damaged.append(error)
            continue
        if kept.commands != number_of(path):
            raise JournalError("the snapshot is of another time than its name", file=path, got=kept.commands)
        good.append(kept)
    if not good:
        nothing = JournalError("there is no snapshot of a journal in this folder", file=folder)
        raise damaged[-1] if damaged else nothing
    return good, damaged


def _segments_from(folder: Path, start: Position) -> list[Segment]:
    """Give the segments from `start` on, in order and without a hole."""
    paths = segment_paths(folder)
    numbers = [number_of(path) for path in paths]
    first = max((at for at, number in enumerate(numbers) if number <= start.commands), default=None)
    if first is None:
        if paths:
            what = f"the journal begins after the snapshot: commands from {start.commands:,} on are missing"
            raise JournalError(what, file=paths[0])
        return []
    segments = [read_segment(path) for path in paths[first:]]
    for segment, number in zip(segments, numbers[first:], strict=True):
        if segment.begin.commands != number:
            raise segment.refuse("the segment is another than its name says", 0, got=segment.begin.commands)
    check_order(segments)
    if start not in segments[0].boundaries:
        problem = segments[0].problem
        if problem is not None:
            raise segments[0].refuse(problem.what, problem.offset)
        what = f"the segment does not go through the snapshot after {start.commands:,} commands"
        raise segments[0].refuse(what)
    return segments


def check_order(segments: list[Segment]) -> None:
    """See that each segment is whole and goes on where the one before ends; the last may have a problem."""
    for one, following in pairwise(segments):
        if one.problem is not None:
            raise one.refuse(one.problem.what, one.problem.offset)
        if following.begin != one.end:
            what = (
                f"the segment does not follow the one before, which ends after {one.end.commands:,} commands"
            )
            raise following.refuse(what, 0)


def _must_be_torn(segment: Segment, acknowledged: Position | None) -> None:
    problem = segment.problem
    assert problem is not None
    if problem.whole_after is not None:
        what = f"{problem.what}, and a whole batch follows at {problem.whole_after}"
        raise segment.refuse(what, problem.offset)
    if acknowledged is not None and segment.end.commands < acknowledged.commands:
        what = f"{problem.what}, but commands up to {acknowledged.commands:,} were acknowledged"
        raise segment.refuse(what, problem.offset)
