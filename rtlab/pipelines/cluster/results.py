"""What a deployment made, as rows: packed beside the position that they belong to, read back as tables."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from rtlab.model import Instrument
from rtlab.pipelines.frame import Column, Frame


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    output: str
    channel: str
    key: str | None
    columns: list[tuple[str, str, bytes]]  # name, dtype, values


class Came(NamedTuple):
    """A frame of an output."""

    output: str
    frame: Frame


def pack_results(came: Mapping[str, Sequence[Frame]]) -> bytes:
    """Pack the frames of all outputs; nothing where nothing came."""
    packed = [
        _Packed(output, frame.channel, frame.key, [_column(name, one) for name, one in frame.columns.items()])
        for output, frames in came.items()
        for frame in frames
    ]
    return msgspec.msgpack.encode(packed) if packed else b""


def _column(name: str, column: Column) -> tuple[str, str, bytes]:
    if column.dtype == object:  # sums wider than 64 bits
        return name, "O", msgspec.msgpack.encode([str(value) for value in column.tolist()])
    return name, column.dtype.str, column.tobytes()


def unpack_results(entry: bytes, instrument: Instrument) -> list[Came]:
    """Read what `pack_results` gave."""
    found = []
    for one in msgspec.msgpack.decode(entry, type=list[_Packed]):
        columns = {name: _values(kind, values) for name, kind, values in one.columns}
        found.append(Came(one.output, Frame(one.channel, instrument, columns, one.key)))
    return found


def _values(kind: str, values: bytes) -> Column:
    if kind == "O":
        return np.array([int(text) for text in msgspec.msgpack.decode(values)], object)
    return np.frombuffer(values, np.dtype(kind))


def table_of(frames: Sequence[Frame]) -> Frame | None:
    """Give all rows as one frame: of a table (bars) the last version of each row. None without a row."""
    if not frames:
        return None
    last = frames[-1]
    columns = {name: np.concatenate([frame[name] for frame in frames]) for name in last.columns}
    if last.key is not None:
        _, from_end = np.unique(columns[last.key][::-1], return_index=True)
        newest = len(columns[last.key]) - 1 - from_end
        columns = {name: column[newest] for name, column in columns.items()}
    return Frame(last.channel, last.instrument, columns, last.key)
