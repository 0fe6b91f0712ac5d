"""The bytes of a journal: what is put around COMMAND rows, and around everything else that is kept beside them.

    segment   = sealed head, batch, batch, ..., room: zeros that the next batches are written over
    batch     = mark, number of rows, number of the first command, checksum of the batch before, own checksum, rows
    sealed    = magic, version, checksum of the body, length of the body, body

A batch's checksum is over its head and its rows, so each can be judged by itself; the checksum of the one before
ties them in order: this chain is what says that two journals are the same up to some command. All integers are
little-endian; the row on disk is the COMMAND row, and the head of a segment names its layout.
"""

import struct
from typing import NamedTuple
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from rtlab.errors import JournalError
from rtlab.model.rows import COMMAND

RowArray = npt.NDArray[np.void]

SEGMENT, SNAPSHOT, ACKNOWLEDGED = b"rtlabJNL", b"rtlabKPT", b"rtlabACK"
VERSION = 1
MATCHING = 2
"""Raised whenever the engine gives other events for the same commands: what it did before is then not replayed."""
MOST_ROWS = 1 << 24
"""Of one batch."""
SMALL = 4096
"""Up to so many bytes a batch is copied into one piece, which is cheaper than a view or a second call."""

_SEALED = struct.Struct("<8sIIQ")
_BATCH = struct.Struct("<4sIqII")
_BATCH_HEAD, _CHECKSUM = struct.Struct("<4sIqI"), struct.Struct("<I")
_CHECKED = _BATCH_HEAD.size  # bytes of a batch's head that its checksum covers
_MARK = b"\xabJNL"
BATCH_HEAD = _BATCH.size


class Position(NamedTuple):
    """A point of a journal: how many commands came before it, and the chain there."""

    commands: int
    chain: int


class SegmentHead(msgspec.Struct, frozen=True):
    """Where a segment begins, how its rows are laid out, (name, type, offset) of each field, and how they matched."""

    commands: int
    chain: int
    row_bytes: int
    fields: tuple[tuple[str, str, int], ...]
    matching: int = 1

    @property
    def position(self) -> Position:
        """The point where the segment begins."""
        return Position(self.commands, self.chain)


class Batch(NamedTuple):
    """COMMAND rows that were appended together, and where they lead; `at` and `end` are offsets in the segment."""

    rows: RowArray
    position: Position
    at: int
    end: int


def fields_of(row: np.dtype[np.void]) -> tuple[tuple[str, str, int], ...]:
    """Give the layout of a row type as a journal names it."""
    return tuple((name, kind.str, offset) for name, (kind, offset, *_) in (row.fields or {}).items())


def seal(magic: bytes, body: bytes) -> bytes:
    """Put magic, version, checksum and length before a body; the whole is a multiple of 8 bytes long."""
    head = _SEALED.pack(magic, VERSION, 0, len(body))
    padding = bytes(-len(body) % 8)
    checksum = crc32(body + padding, crc32(head))
    return _SEALED.pack(magic, VERSION, checksum, len(body)) + body + padding


def unseal(magic: bytes, data: bytes, file: object) -> tuple[bytes, int]:
    """Give the body that was sealed, and where it ends; JournalError when it is foreign, cut off or damaged."""
    if data[: len(magic)] != magic:
        raise JournalError(
            "this is no such file of a journal", file=file, expected=magic, got=data[: len(magic)]
        )
    if len(data) < _SEALED.size:
        raise JournalError("the file is cut off", file=file, offset=len(data))
    _, version, checksum, length = _SEALED.unpack_from(data)
    if version != VERSION:
        raise JournalError(
            "the file is of another version", file=file, offset=8, expected=VERSION, got=version
        )
    end = _SEALED.size + length + -length % 8
    if len(data) < end:
        raise JournalError(
            "the file is cut off", file=file, offset=len(data), expected=f"at least {end} bytes"
        )
    head = _SEALED.pack(magic, VERSION, 0, length)
    if crc32(memoryview(data)[_SEALED.size : end], crc32(head)) != checksum:
        raise JournalError("the checksum does not fit: a byte was changed", file=file, offset=_SEALED.size)
    return data[_SEALED.size : _SEALED.size + length], end


def pack_segment_head(position: Position) -> bytes:
    """Give the beginning of a segment whose first command comes at `position`."""
    head = SegmentHead(*position, row_bytes=COMMAND.itemsize, fields=fields_of(COMMAND), matching=MATCHING)
    return seal(SEGMENT, msgspec.msgpack.encode(head))


def unpack_segment_head(data: bytes, file: object) -> tuple[SegmentHead, int]:
    """Give the head of a segment, and the offset of its first batch.

    JournalError when it is damaged, or its rows are of another layout: then the field that differs is named.
    """
    body, end = unseal(SEGMENT, data, file)
    try:
        head = _HEAD.decode(body)
    except msgspec.DecodeError as error:
        raise JournalError(f"the head of the segment makes no sense: {error}", file=file) from None
    ours, theirs = fields_of(COMMAND), head.fields
    if (ours, COMMAND.itemsize) != (theirs, head.row_bytes):
        what = f"the rows of this journal are of another layout: {_difference(ours, theirs)}"
        expected = f"COMMAND of {COMMAND.itemsize} bytes"
        raise JournalError(what, file=file, expected=expected, got=f"rows of {head.row_bytes} bytes")
    return head, end


_HEAD = msgspec.msgpack.Decoder(SegmentHead)


def _difference(ours: tuple[tuple[str, str, int], ...], theirs: tuple[tuple[str, str, int], ...]) -> str:
    here, there = ({name: rest for name, *rest in fields} for fields in (ours, theirs))
    said = [f"it has {name!r}, which is unknown here" for name in there if name not in here]
    said += [f"it lacks {name!r}" for name in here if name not in there]
    said += [
        f"its {name!r} is {kind} at {at}, here {here[name][0]} at {here[name][1]}"
        for name, (kind, at) in there.items()
        if name in here and here[name] != [kind, at]
    ]
    return "; ".join(said[:3])


def pack_batch(before: Position, rows: RowArray) -> tuple[list[bytes | memoryview], Position]:
    """Give a batch that comes at `before`, in the parts that are written one after the other, and where it leads."""
    head = _BATCH_HEAD.pack(_MARK, len(rows), before.commands, before.chain)
    body = rows.tobytes() if rows.nbytes <= SMALL else bytes_of(rows)
    chain = crc32(body, crc32(head))
    return [head, _CHECKSUM.pack(chain), body], Position(before.commands + len(rows), chain)


def batch_at(data: bytes, at: int, before: Position | None = None) -> Batch | str:
    """Read the batch at an offset, or say why there is none; `before` None takes any that is whole."""
    if len(data) - at < BATCH_HEAD:
        return "the batch is cut off within its head"
    mark, count, first, previous, chain = _BATCH.unpack_from(data, at)
    if mark != _MARK:
        return "no batch begins here"
    if not 0 < count <= MOST_ROWS:
        return f"the batch has {count} rows"
    if before is not None and (first, previous) != before:
        return f"the batch does not follow: it comes after command {first}, expected {before.commands}"
    end = at + BATCH_HEAD + count * COMMAND.itemsize
    if end > len(data):
        return f"the batch is cut off: {len(data) - at} of {end - at} bytes are there"
    view = memoryview(data)
    if crc32(view[at + BATCH_HEAD : end], crc32(view[at : at + _CHECKED])) != chain:
        return "the checksum of the batch does not fit"
    rows = np.frombuffer(data, COMMAND, count, at + BATCH_HEAD)
    return Batch(rows, Position(first + count, chain), at, end)


def whole_batch_after(data: bytes, offset: int) -> int | None:
    """Give the offset of the first whole batch after `offset`, wherever it comes from; None when there is none."""
    at = data.find(_MARK, offset + 1)
    while at >= 0:
        if not isinstance(batch_at(data, at), str):
            return at
        at = data.find(_MARK, at + 1)
    return None


def is_room(data: bytes, at: int) -> bool:
    """Tell whether nothing was written from this offset on."""
    return data.count(0, at) == len(data) - at


def end_of_torn(data: bytes, at: int) -> int:
    """Give where a batch at this offset ends, as far as it is there: its head, if that is, says how long it is."""
    count = int.from_bytes(data[at + len(_MARK) : at + len(_MARK) + 4], "little")
    return min(len(data), at + BATCH_HEAD + count * COMMAND.itemsize)


def bytes_of(rows: RowArray) -> memoryview:
    """Give the bytes of contiguous rows, not copied."""
    return rows.view(np.uint8).data
