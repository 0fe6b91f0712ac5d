"""The directory's log: for each account what its wallet said of its devices, append-only and chained by hashes.

An entry holds a binding (to speak, or to revoke) and the hash of the entry before. Entries prove themselves, for the
wallet signed them; the chain lets those who look see that none was taken away or put in between since they last did.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from rtlab.errors import IdentityError
from rtlab.messaging.identity import REVOKE, SPEAK, Binding, decoded, read, verify

LABEL = b"rtlab log 1\n"
FIRST = "0" * 64
LONGEST = 512
"""Entries of one account that are read."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry; `binding` is base64, `previous` the hash of the entry before in hex."""

    binding: str
    previous: str

    def encoded(self) -> str:
        """Give the one text of this entry, over which its hash is."""
        return msgspec.json.encode(self).decode()


class Head(NamedTuple):
    """How long a log is, and the hash of its last entry."""

    length: int
    hash: str


EMPTY = Head(0, FIRST)


def hash_of(entry: str) -> str:
    """Give the hash of an entry's text."""
    return hashlib.sha256(LABEL + entry.encode()).hexdigest()


def entry_of(binding: Binding, head: Head) -> str:
    """Give the text of the entry that comes after `head`."""
    return Entry(b64encode(binding.encoded()).decode(), head.hash).encoded()


def bindings_of(entries: Sequence[str], pinned: Head = EMPTY) -> tuple[list[Binding], Head]:
    """Read a log from its first entry; IdentityError when it is broken, or does not go on from what was pinned."""
    if len(entries) > LONGEST or len(entries) < pinned.length:
        raise IdentityError("a directory shows less than it did", expected=pinned.length, got=len(entries))
    bindings, head = [], EMPTY
    for text in entries:
        try:
            entry = msgspec.json.decode(text, type=Entry)
            binding = decoded(b64decode(entry.binding, validate=True))
        except (msgspec.MsgspecError, ValueError) as problem:
            raise IdentityError(f"an entry of a directory cannot be read: {problem}") from None
        if entry.previous != head.hash or entry.encoded() != text:
            raise IdentityError("a directory's entries do not follow each other", expected=head.hash)
        head = Head(head.length + 1, hash_of(text))
        if head.length == pinned.length and head != pinned:
            raise IdentityError("a directory has changed what it showed before", expected=pinned.hash)
        bindings.append(binding)
    return bindings, head


def devices_of(bindings: Iterable[Binding], account: str, directory: str, now: float) -> dict[bytes, Binding]:
    """Give the devices that speak for an account at `now`: verified, not expired, not revoked."""
    devices: dict[bytes, Binding] = {}
    revoked: set[bytes] = set()
    for binding in bindings:
        statement = read(binding.statement)
        # an expired statement was good when it was written; what it says is over, a revocation is for ever
        at = now if statement.purpose == SPEAK else statement.issued
        if at >= statement.expires:
            continue
        verify(
            binding,
            device=statement.device,
            directory=directory,
            now=at,
            account=account,
            purpose=statement.purpose,
        )
        if statement.purpose == REVOKE:
            revoked.add(statement.device)
        else:
            devices[statement.device] = binding
    return {device: binding for device, binding in devices.items() if device not in revoked}


def safety_number(one: str, other: str, devices: Iterable[bytes]) -> str:
    """Give twelve groups of five digits that two accounts compare by another way: alike when both see the same.

    It is over the two accounts, in order, and all their devices. A device more or less changes it.
    """
    content = "\n".join([*sorted((one, other)), *sorted(device.hex() for device in devices)])
    digest = hashlib.sha512(b"rtlab safety number 1\n" + content.encode()).digest()
    groups = [int.from_bytes(digest[i : i + 5], "big") % 100_000 for i in range(0, 60, 5)]
    return " ".join(f"{group:05d}" for group in groups)
