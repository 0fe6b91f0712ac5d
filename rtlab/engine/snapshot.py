"""An engine as bytes: its settings and counters, and the used part of each of its arrays.

Layout: magic, version, CRC-32 of the body, length of the body; body: length of the header, header (msgpack), then
the rows of the arrays in the order of the header. The rows are those of `layout`, whose types are named in the
header too: an engine whose rows are others refuses them.
"""

import struct
from collections.abc import Mapping
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from rtlab.engine.layout import ACCOUNT, EXTRA, LADDER, LEVEL, MARKET, ORDER, POSITION_ROW, RUNG
from rtlab.errors import LocalError
from rtlab.model.enums import SelfTradePrevention
from rtlab.model.instrument import Instrument
from rtlab.model.rules import Rules

MAGIC = b"rtlabENG"
VERSION = 3
ROWS: Mapping[str, np.dtype[np.generic]] = {
    "orders": ORDER,
    "levels": LEVEL,
    "extras": EXTRA,
    "heap": RUNG,
    "ladders": LADDER,
    "markets": MARKET,
    "accounts": ACCOUNT,
    "positions": POSITION_ROW,
}
_OUTER = struct.Struct("<8sIIQ")
_INNER = struct.Struct("<I")

RowArray = npt.NDArray[np.void]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds beside the rows."""

    instruments: tuple[Instrument, ...]
    rules: tuple[Rules, ...]
    self_trade_prevention: SelfTradePrevention
    capacity: int
    counters: dict[str, int]
    counts: dict[str, int] = {}
    rows: str = ""


def rows_named() -> str:
    """Give the types of all rows as text."""
    return "; ".join(f"{name} {row.descr}" for name, row in ROWS.items())


def pack_snapshot(snapshot: Snapshot, parts: Mapping[str, RowArray]) -> bytes:
    """Give the bytes of a snapshot; `parts` are the rows by the names of ROWS."""
    counts = {name: len(parts[name]) for name in ROWS}
    whole = msgspec.structs.replace(snapshot, counts=counts, rows=rows_named())
    header = msgspec.msgpack.encode(whole)
    body = _INNER.pack(len(header)) + header + b"".join(parts[name].tobytes() for name in ROWS)
    return _OUTER.pack(MAGIC, VERSION, crc32(body), len(body)) + body


def unpack_snapshot(data: bytes) -> tuple[Snapshot, dict[str, RowArray]]:
    """Give what `pack_snapshot` was given; LocalError when the bytes are foreign, truncated or damaged."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise LocalError("a snapshot of an engine is bytes", got=type(data).__name__)
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
        if snapshot.rows != rows_named():
            raise LocalError(
                "the snapshot's rows are of another engine", expected=rows_named(), got=snapshot.rows
            )
        return snapshot, _parts(snapshot, body, rows_at)
    except (struct.error, msgspec.DecodeError, ValueError, KeyError) as error:
        raise LocalError(f"the snapshot of the engine contradicts itself: {error}") from None


def _parts(snapshot: Snapshot, body: bytes, at: int) -> dict[str, RowArray]:
    parts: dict[str, RowArray] = {}
    for name, row in ROWS.items():
        count = snapshot.counts[name]
        parts[name] = np.frombuffer(body, row, count, at).copy()
        at += count * row.itemsize
    if at != len(body):
        raise ValueError(f"{len(body) - at} bytes too many")
    return parts
