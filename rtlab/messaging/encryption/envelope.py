"""The outer envelope: what a device hands to the relay, signed as a whole by its Ed25519 key.

It is checked before MLS sees a byte, so that nobody on the way can spend the one-time key of a genuine message by a
forged one (mls-rs deletes the key of a generation before it knows that the ciphertext is genuine).

    "rtl1" | kind 1 | sender 32 | id 16 | length 4 | payload | signature 64
"""

import secrets
from enum import IntEnum
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from rtlab.errors import UnreadableError

MAGIC = b"rtl1"
_LABEL = b"rtlab envelope 1\n"
_HEAD, _SIGNATURE = 57, 64


class Kind(IntEnum):
    """What is in an envelope."""

    WELCOME = 1
    COMMIT = 2
    MESSAGE = 3
    FLEETING = 4  # such as a mark that somebody types: kept by nobody


class Device:
    """The Ed25519 key of a device, which signs its envelopes and is the signature key of its MLS leaves."""

    def __init__(self, seed: bytes | None = None) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed or secrets.token_bytes(32))
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def __repr__(self) -> str:
        return f"Device({self.public.hex()})"

    @property
    def seed(self) -> bytes:
        """The secret key: 32 bytes."""
        return self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """Sign; whoever calls puts a label in front that no other use has."""
        return self._key.sign(message)

    def seal(self, kind: Kind, payload: bytes, ident: bytes | None = None) -> bytes:
        """Put a payload in an envelope; `ident` (16 bytes) is random unless the same is to be sent again."""
        ident = secrets.token_bytes(16) if ident is None else ident
        body = MAGIC + bytes([kind]) + self.public + ident + len(payload).to_bytes(4, "big") + payload
        return body + self.sign(_LABEL + body)


class Opened(NamedTuple):
    """A genuine envelope."""

    kind: Kind
    sender: bytes
    ident: bytes
    payload: bytes


def open_envelope(envelope: bytes) -> Opened:
    """Open an envelope; UnreadableError when it has another form or its sender did not sign all of it."""
    opened = read_envelope(envelope)
    try:
        key = Ed25519PublicKey.from_public_bytes(opened.sender)
        key.verify(envelope[-_SIGNATURE:], _LABEL + envelope[:-_SIGNATURE])
    except (InvalidSignature, ValueError):
        raise UnreadableError("an envelope is not signed by its sender", got=opened.sender.hex()) from None
    return opened


def read_envelope(envelope: bytes) -> Opened:
    """Read what an envelope says, unverified: for a relay, which knows by other means who hands it in."""
    size = len(envelope) - _HEAD - _SIGNATURE
    if size < 0 or envelope[:4] != MAGIC or int.from_bytes(envelope[53:_HEAD], "big") != size:
        raise UnreadableError("an envelope is of another form", got=f"{len(envelope)} bytes")
    try:
        kind = Kind(envelope[4])
    except ValueError:
        raise UnreadableError("an envelope is of a kind that is not known", got=envelope[4]) from None
    return Opened(kind, envelope[5:37], envelope[37:53], envelope[_HEAD:-_SIGNATURE])
