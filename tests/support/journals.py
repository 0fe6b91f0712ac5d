"""Journals of a known stream of commands, and the engine that was never killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from support.command_flow import INSTRUMENTS, Flow

from rtlab.engine import Engine
from rtlab.engine.journal import JournaledEngine
from rtlab.engine.journal.framing import SEGMENT, seal, unpack_segment_head

SEED = 29
PROBE = 600  # commands after a recovery: their events depend on every resting order
SNAPSHOT_EVERY, SEGMENT_BYTES = 700, 40_000  # small, so that all that a journal does happens often


def new_engine() -> Engine:
    return Engine(INSTRUMENTS)


def stream(count: int) -> np.ndarray:
    """The first `count` commands of the stream that all journals here hold."""
    return Flow(SEED).take(count)


def journaled(folder: Path) -> JournaledEngine:
    return JournaledEngine(folder, new_engine, snapshot_every=SNAPSHOT_EVERY, segment_bytes=SEGMENT_BYTES)


def write(folder: Path, commands: int, batch: int = 37) -> None:
    """Let a journaled engine do the stream up to `commands`, from wherever it is."""
    rows = stream(commands)
    with journaled(folder) as engine:
        for start in range(engine.engine.statistics().commands, commands, batch):
            engine.process(rows[start : start + batch])


def assert_never_killed(engine: Engine, commands: int) -> None:
    """`engine` is as an engine that did the stream's first commands without a journal, in what it says from now on."""
    rows = stream(commands + PROBE)
    truth = new_engine()
    truth.process(rows[:commands])
    names = ("commands", "events", "live_orders", "live_levels")
    told, expected = engine.statistics(), truth.statistics()
    assert [getattr(told, name) for name in names] == [getattr(expected, name) for name in names]
    assert told.commands == commands
    for instrument in INSTRUMENTS:
        assert engine.book(instrument.symbol) == truth.book(instrument.symbol)
    assert engine.process(rows[commands:]).tobytes() == truth.process(rows[commands:]).tobytes()


def of_matching(segment: Path, matching: int) -> None:
    """Let a segment say that another version did its commands, which matches otherwise."""
    data = segment.read_bytes()
    head, end = unpack_segment_head(data, segment)
    sealed = seal(SEGMENT, msgspec.msgpack.encode(msgspec.structs.replace(head, matching=matching)))
    assert len(sealed) == end
    segment.write_bytes(sealed + data[end:])


def files_of(folder: Path) -> list[Path]:
    """All files of a journal that hold anything."""
    return sorted(path for path in folder.iterdir() if path.stat().st_size)


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    """Let the file have another content for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def copied(folder: Path, to: Path) -> Path:
    """Copy a journal's files."""
    to.mkdir()
    for path in filter(Path.is_file, folder.iterdir()):
        (to / path.name).write_bytes(path.read_bytes())
    return to
