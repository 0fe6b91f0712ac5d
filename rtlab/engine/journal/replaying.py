"""A journal run again from its oldest snapshot, and held against every later one.

A later snapshot must have the counters and books that the commands lead to, and an engine made from it runs beside
from there on: it must give the same events, byte for byte.
"""

from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from rtlab.engine.engine import Engine
from rtlab.engine.journal.files import snapshot_path, snapshot_paths
from rtlab.engine.journal.framing import bytes_of
from rtlab.engine.journal.reading import read_journal
from rtlab.engine.journal.snapshots import read_kept
from rtlab.errors import JournalError


class Replayed(NamedTuple):
    """The engine after the last command, and what led there: `checksum` is the CRC-32 of all EVENT bytes in order."""

    engine: Engine
    first: int
    commands: int
    events: int
    checksum: int
    snapshots: tuple[int, ...]
    """Those that were come by and found equal, after so many commands."""


def replay_journal(folder: Path, *, to: int | None = None) -> Replayed:
    """Replay a journal, up to the batch that has command number `to` if given.

    JournalError when it is damaged, or when a later snapshot is not what the commands lead to.
    """
    reading = read_journal(folder, oldest=True)
    kept = set(snapshot_paths(folder))
    engine, at = Engine.restore(reading.snapshot.engine), reading.snapshot.commands
    events = checksum = 0
    met: list[int] = []
    others: dict[Path, Engine] = {}
    for rows in reading.batches():
        if to is not None and at > to:
            break
        made = engine.process(rows)
        for path, other in others.items():
            if other.process(rows).tobytes() != made.tobytes():
                what = f"commands {at:,} to {at + len(rows):,} give other events after this snapshot"
                raise JournalError(what, file=path)
        events, checksum, at = events + len(made), crc32(bytes_of(made), checksum), at + len(rows)
        if (path := snapshot_path(folder, at)) in kept:
            others[path] = _equal(engine, path)
            met.append(at)
    return Replayed(engine, reading.snapshot.commands, at, events, checksum, tuple(met))


def _equal(engine: Engine, path: Path) -> Engine:
    there = Engine.restore(read_kept(path).engine)
    here, told = engine.statistics(), there.statistics()
    counters = ("commands", "events", "live_orders", "live_levels")
    for name in counters:
        if getattr(here, name) != getattr(told, name):
            expected, got = f"{name} {getattr(here, name)}", getattr(told, name)
            raise JournalError(
                "the snapshot is not what the commands lead to", file=path, expected=expected, got=got
            )
    for instrument in engine.instruments:
        if engine.book(instrument.symbol) != there.book(instrument.symbol):
            raise JournalError(
                f"the snapshot's book of {instrument.symbol} is not what the commands lead to", file=path
            )
    return there
