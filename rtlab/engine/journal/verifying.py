"""Every byte of a journal checked, also what no recovery needs any more."""

from pathlib import Path
from typing import NamedTuple

from rtlab.engine.journal.files import segment_paths, snapshot_paths
from rtlab.engine.journal.reading import check_order, read_journal
from rtlab.engine.journal.segments import read_segment
from rtlab.engine.journal.snapshots import read_kept
from rtlab.errors import JournalError


class Verdict(NamedTuple):
    """What a sound journal holds. Commands are counted over the journal's life; those before `first` are compacted."""

    first: int
    commands: int
    segments: int
    batches: int
    bytes: int
    snapshots: tuple[int, ...]
    torn: Path | None
    torn_bytes: int


def verify_journal(folder: Path) -> Verdict:
    """Check all segments and snapshots; JournalError with file and offset at the first thing that is wrong."""
    reading = read_journal(folder)
    if reading.damaged:
        raise reading.damaged[0]
    segments = [read_segment(path) for path in segment_paths(folder)]
    check_order(segments)
    points = {point for segment in segments for point in segment.boundaries}
    snapshots = [(path, read_kept(path)) for path in snapshot_paths(folder)]
    for path, kept in snapshots:
        if segments and kept.commands >= segments[0].begin.commands and kept.position not in points:
            raise JournalError("the segments do not go through the snapshot", file=path, got=kept.commands)
    torn = reading.torn
    return Verdict(
        first=segments[0].begin.commands if segments else reading.end.commands,
        commands=reading.end.commands,
        segments=len(segments),
        batches=sum(len(segment.boundaries) - 1 for segment in segments),
        bytes=sum(segment.good_bytes for segment in segments),
        snapshots=tuple(kept.commands for _, kept in snapshots),
        torn=None if torn is None else torn.path,
        torn_bytes=0 if torn is None else torn.bytes - torn.good_bytes,
    )
