"""Rows as they lie in the log: whole micro-batches, packed, with a checksum.

An entry is the CRC32 of what follows, 8 bytes first sequence, 2 bytes width, and int64 rows, all little-endian.
"""

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from rtlab.errors import LocalError, SourceError
from rtlab.model import Instrument
from rtlab.pipelines.frame import Frame, Integers, depth_frame, quote_frame, trade_frame

_HEAD = struct.Struct("<qH")
_CRC = struct.Struct("<I")
WIDTHS = {"trades": 4, "ticker": 6}


def pack_rows(first_seq: int, rows: Integers) -> bytes:
    """Pack int64 rows number `first_seq` on. LocalError for what is no block of whole numbers."""
    block = np.asarray(rows)
    if block.ndim != 2 or block.dtype.kind != "i":
        raise LocalError(
            "rows cannot be packed", expected="int64 rows by columns", got=f"{block.dtype} {block.shape}"
        )
    body = _HEAD.pack(first_seq, block.shape[1]) + np.ascontiguousarray(block, "<i8").tobytes()
    return _CRC.pack(zlib.crc32(body)) + body


def unpack_rows(entry: bytes) -> tuple[int, Integers]:
    """Give (first sequence, rows) of an entry; SourceError when it is damaged."""
    body = entry[_CRC.size :]
    if len(body) < _HEAD.size or _CRC.unpack_from(entry)[0] != zlib.crc32(body):
        raise SourceError("an entry of the log is damaged", expected="packed rows", got=f"{len(entry)} bytes")
    first, width = _HEAD.unpack_from(body)
    return first, np.frombuffer(body, "<i8", offset=_HEAD.size).reshape(-1, width)


def frame_of(channel: str, instrument: Instrument, entries: Sequence[bytes]) -> Frame:
    """Give the rows of entries, in order, as one frame. SourceError names what is damaged or of another width."""
    parts = [unpack_rows(entry) for entry in entries]
    widths = {rows.shape[1] for _, rows in parts}
    wanted = WIDTHS.get(channel)
    if len(widths) != 1 or wanted not in (None, *widths):
        raise SourceError("entries of the log are of the wrong width", expected=wanted, got=sorted(widths))
    rows = parts[0][1] if len(parts) == 1 else np.concatenate([block for _, block in parts])
    if channel == "ticker":
        return quote_frame(instrument, rows)
    if channel == "depth":
        return depth_frame(instrument, rows, (rows.shape[1] - 2) // 4)
    seq = [first + np.arange(len(block)) for first, block in parts]
    return trade_frame(instrument, seq[0] if len(seq) == 1 else np.concatenate(seq), rows, channel)
