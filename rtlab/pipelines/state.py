"""What a fold remembers, as bytes: its kind, a version and a checksum around a struct."""

import zlib
from typing import TypeVar

import msgspec

from rtlab.errors import SourceError

State = TypeVar("State", bound=msgspec.Struct)

VERSION = 1


def pack(kind: str, state: msgspec.Struct) -> bytes:
    """Give `state` as bytes that `unpack` accepts for the same `kind` only."""
    body = msgspec.msgpack.encode((kind, VERSION, state))
    return zlib.crc32(body).to_bytes(4, "little") + body


def unpack(kind: str, state: bytes, form: type[State]) -> State:
    """Read what `pack` gave; SourceError when the bytes are damaged, of another kind or another version."""
    body = state[4:]
    if len(state) < 5 or zlib.crc32(body).to_bytes(4, "little") != state[:4]:
        raise SourceError(
            "a saved state is damaged", expected=f"the state of {kind}", got=f"{len(state)} bytes"
        )
    try:
        found, version, rest = msgspec.msgpack.decode(body, type=tuple[str, int, msgspec.Raw])
        if (found, version) != (kind, VERSION):
            raise SourceError(
                "a saved state is of another kind", expected=f"{kind} {VERSION}", got=f"{found} {version}"
            )
        return msgspec.msgpack.decode(rest, type=form)
    except msgspec.DecodeError as error:
        raise SourceError(
            "a saved state is not readable", expected=f"{kind} {VERSION}", got=str(error)
        ) from error
