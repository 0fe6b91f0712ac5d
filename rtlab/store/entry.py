"""What lies in Redis: entries of a stream, which hold some steps each, and the state at one of their ends.

Every entry carries the chain: the CRC32 over all packed steps since the log began, before and after its own.
Two histories that came to the same position by different steps have different chains, with the certainty of
32 bits: so a recovered engine proves that it goes on where it was, and a follower sees when somebody did not.
"""

from collections.abc import Sequence

import msgspec

from rtlab.book import Step
from rtlab.errors import StoreError

FIELD = b"s"
"""The field of an entry that holds its steps."""
STATE_FIELD = b"b"
"""The field of an entry without steps that holds the packed state there: who reads on from it needs no other."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """Steps from position `before` on, `trades` of which are trades (-1: written by an rtlab that did not say).

    Without steps it says only where the market stands: what led there is lost.
    """

    before: int
    chain_before: int
    chain: int
    steps: list[Step]
    trades: int = -1


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    before: int
    chain_before: int
    chain: int
    steps: list[msgspec.Raw]
    trades: int


class StoredState(msgspec.Struct, frozen=True, array_like=True):
    """The packed state of an instrument at (epoch, position)."""

    epoch: int
    position: int
    chain: int
    state: bytes


_ENTRY, _STATE = msgspec.msgpack.Decoder(Entry), msgspec.msgpack.Decoder(StoredState)


def pack_entry(before: int, chain_before: int, chain: int, steps: Sequence[bytes], trades: int) -> bytes:
    """Give an entry of packed steps; `trades` of the position `before` are trades."""
    raw = [msgspec.Raw(one) for one in steps]
    return msgspec.msgpack.encode(_Packed(before, chain_before, chain, raw, trades))


def unpack_entry(data: bytes) -> Entry:
    """Read an entry; StoreError when it is none."""
    try:
        return _ENTRY.decode(data)
    except msgspec.DecodeError as problem:
        raise StoreError(f"an entry of the store is not one of rtlab: {problem}") from None


def unpack_state(data: bytes) -> StoredState:
    """Read a state key's value; StoreError when it is none."""
    try:
        return _STATE.decode(data)
    except msgspec.DecodeError as problem:
        raise StoreError(f"a state in the store is not one of rtlab: {problem}") from None
