"""A snapshot that a journal keeps: an engine's bytes, what its owner keeps beside them, and where they stand."""

from pathlib import Path

import msgspec

from rtlab.engine.journal.framing import SNAPSHOT, Position, seal, unseal
from rtlab.errors import JournalError


class KeptSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """The state after `commands` commands, where the chain is `chain`.

    `engine` is `Engine.snapshot()`; `beside` belongs to the owner of the journal, who alone can read it.
    """

    commands: int
    chain: int
    engine: bytes
    beside: bytes = b""

    @property
    def position(self) -> Position:
        """Where in the journal it stands."""
        return Position(self.commands, self.chain)


_DECODER = msgspec.msgpack.Decoder(KeptSnapshot)


def pack_kept(kept: KeptSnapshot) -> bytes:
    """Give the content of a snapshot's file."""
    return seal(SNAPSHOT, msgspec.msgpack.encode(kept))


def unpack_kept(data: bytes, file: object) -> KeptSnapshot:
    """Read the content of a snapshot's file; JournalError when it is not whole."""
    body, end = unseal(SNAPSHOT, data, file)
    if end != len(data):
        raise JournalError("something follows the snapshot", file=file, offset=end)
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise JournalError(f"the snapshot makes no sense: {error}", file=file) from None


def read_kept(path: Path) -> KeptSnapshot:
    """Read a snapshot's file; JournalError when it cannot be read or is not whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"the snapshot cannot be read: {error.strerror}", file=path) from error
    return unpack_kept(data, path)
