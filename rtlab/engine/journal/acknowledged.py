"""How far a journal was acknowledged: a lower bound beside the segments, written in place after each sync.

It is not synced itself: the kernel keeps it when the process dies, and after a power cut it may be older than the
segments, never newer. So it tells a batch that was being written from one that was acknowledged and then damaged.
"""

import struct
from pathlib import Path

from rtlab.engine.journal.framing import ACKNOWLEDGED, Position, seal, unseal
from rtlab.errors import JournalError

_POSITION = struct.Struct("<qI")


def pack_acknowledged(position: Position) -> bytes:
    """Give the content of the file."""
    return seal(ACKNOWLEDGED, _POSITION.pack(*position))


def read_acknowledged(path: Path) -> Position | None:
    """Give what was acknowledged at least; None when there is no such file, JournalError when it is damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError(f"the file cannot be read: {error.strerror}", file=path) from error
    body, end = unseal(ACKNOWLEDGED, data, path)
    if len(body) != _POSITION.size or end != len(data):
        raise JournalError("the file is of another length", file=path, expected=end, got=len(data))
    return Position(*_POSITION.unpack(body))
