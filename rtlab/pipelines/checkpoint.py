"""A checkpoint on disk: the state of a graph and how far it had come, whole or not at all."""

import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from rtlab.errors import SourceError
from rtlab.pipelines.state import pack, unpack

KIND = "checkpoint"


class Checkpoint(NamedTuple):
    """Where a run stood: `position` rows (or bytes, or whatever its owner counts) in, `written` out; and the state."""

    position: int
    written: int
    state: bytes


class _Saved(msgspec.Struct, array_like=True):
    position: int
    written: int
    state: bytes


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write it beside the old one, sync it, and put it in its place: a kill at any moment leaves one of the two."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(pack(KIND, _Saved(*checkpoint)))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path) -> Checkpoint | None:
    """Read the checkpoint, None when there is none; SourceError when it is damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        saved = unpack(KIND, content, _Saved)
    except SourceError as problem:
        raise SourceError(f"{path}: {problem.what}", expected=problem.expected, got=problem.got) from problem
    return Checkpoint(saved.position, saved.written, saved.state)
