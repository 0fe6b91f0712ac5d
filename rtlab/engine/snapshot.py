"""An engine as bytes: counters, settings, and the resting orders as the COMMAND rows that would enter them.

Layout: magic, version, CRC-32 of the body, length of the body; body: length of the header, header (msgpack), rows.
"""

import struct
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from rtlab.errors import LocalError
from rtlab.model.enums import SelfTradePrevention
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND

MAGIC = b"rtlabENG"
VERSION = 1
_OUTER = struct.Struct("<8sIIQ")
_INNER = struct.Struct("<I")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds beside the resting orders."""

    instruments: tuple[Instrument, ...]
    self_trade_prevention: SelfTradePrevention
    capacity: int
    seq: int
    command: int


def pack_snapshot(snapshot: Snapshot, resting: npt.NDArray[np.void]) -> bytes:
    """Give the bytes of a snapshot; `resting` are COMMAND rows, those of a price level in the order of its queue."""
    header = msgspec.msgpack.encode(snapshot)
    body = _INNER.pack(len(header)) + header + resting.tobytes()
    return _OUTER.pack(MAGIC, VERSION, crc32(body), len(body)) + body


def unpack_snapshot(data: bytes) -> tuple[Snapshot, npt.NDArray[np.void]]:
    """Give what `pack_snapshot` was given; LocalError when the bytes are foreign, truncated or damaged."""
    if len(data) < _OUTER.size or data[: len(MAGIC)] != MAGIC:
        raise LocalError(
            "these bytes are no snapshot of an engine", expected=MAGIC, got=bytes(data[: len(MAGIC)])
        )
    _, version, checksum, length = _OUTER.unpack_from(data)
    if version != VERSION:
        raise LocalError("the snapshot is of another version", expected=VERSION, got=version)
    body = data[_OUTER.size :]
    if len(body) != length:
        raise LocalError(
            "the snapshot is not whole", expected=f"{length} bytes after its head", got=f"{len(body)} bytes"
        )
    if crc32(body) != checksum:
        raise LocalError("the snapshot is damaged: its checksum does not fit")
    try:
        rows_at = _INNER.size + _INNER.unpack_from(body)[0]
        snapshot = msgspec.msgpack.decode(body[_INNER.size : rows_at], type=Snapshot)
        return snapshot, np.frombuffer(body[rows_at:], COMMAND).copy()
    except (struct.error, msgspec.DecodeError, ValueError) as error:
        raise LocalError(f"the snapshot of the engine contradicts itself: {error}") from None
