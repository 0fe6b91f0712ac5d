"""The notes of a recorded session: what people remarked, each at its moment, in a file beside the rows.

`notes.jsonl` is one JSON object a line: `ts` (ns), `text`, and where they were given `symbol` and `by`. Lines are only
added, so two people who note at once lose nothing, and the file can be read and merged by any tool.
"""

import os
from pathlib import Path

import msgspec

from rtlab.errors import ConfigError, SourceError

FILE = "notes.jsonl"
LONGEST = 2000  # characters of one note
MOST_BYTES = 8 << 20  # of a file of notes


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A remark at a moment (ns) of a session, about one instrument or (no symbol) about all."""

    ts: int
    text: str
    symbol: str = ""
    by: str = ""


def read_notes(folder: Path) -> list[Note]:
    """Give the notes of a session by time; none where nobody wrote any. SourceError names a line that is none."""
    path = folder / FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SourceError(f"{path} is too long", expected=f"up to {MOST_BYTES} bytes")
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(msgspec.json.decode(line, type=Note))
        except msgspec.DecodeError as problem:
            raise SourceError(f"{path}: line {number} is no note: {problem}") from None
    return sorted(found, key=lambda note: note.ts)


def add_note(folder: Path, note: Note) -> None:
    """Add one note, safe on the disk when this returns; ConfigError when it is empty or too long."""
    if not note.text.strip() or len(note.text) > LONGEST:
        wanted = f"1 to {LONGEST} characters"
        raise ConfigError("this is no note", expected=wanted, got=f"{len(note.text)} characters")
    with (folder / FILE).open("ab") as file:
        file.write(msgspec.json.encode(note) + b"\n")
        file.flush()
        os.fsync(file.fileno())
