"""The two virtual transactions of BIP-322 and what their signatures cover (BIP-143, BIP-341)."""

import hashlib
import struct

from rtlab.messaging.identity.encodings import compact_size
from rtlab.messaging.identity.keys import sha256

ALL = 1
"""The signature covers all inputs and outputs."""

_OP_RETURN = b"\x6a"
_OUTPUT = struct.pack("<Q", 0) + compact_size(1) + _OP_RETURN


def tagged(tag: str, data: bytes) -> bytes:
    """Hash with a tag (BIP-340)."""
    name = sha256(tag.encode())
    return sha256(name + name + data)


def spent_by(script: bytes, message: bytes) -> bytes:
    """Give the id of the transaction that pays a message to a script: what a signature of it spends."""
    digest = tagged("BIP0322-signed-message", message)
    signature = b"\x00\x20" + digest
    inputs = b"\x01" + bytes(32) + b"\xff\xff\xff\xff" + compact_size(len(signature)) + signature + bytes(4)
    outputs = b"\x01" + struct.pack("<Q", 0) + compact_size(len(script)) + script
    return _twice(bytes(4) + inputs + outputs + bytes(4))


def digest_v0(spent: bytes, code: bytes) -> bytes:
    """Give what a signature under segwit version 0 covers (BIP-143), by the script code that is run."""
    outpoint = spent + bytes(4)
    return _twice(
        bytes(4)
        + _twice(outpoint)
        + _twice(bytes(4))
        + outpoint
        + compact_size(len(code))
        + code
        + struct.pack("<Q", 0)
        + bytes(4)
        + _twice(_OUTPUT)
        + bytes(4)
        + struct.pack("<I", ALL)
    )


def digest_v1(spent: bytes, script: bytes, kind: int) -> bytes:
    """Give what a signature by the key path of Taproot covers (BIP-341); `kind` is 0 (default) or ALL."""
    message = (
        bytes([0, kind])
        + bytes(4)
        + bytes(4)
        + sha256(spent + bytes(4))
        + sha256(struct.pack("<Q", 0))
        + sha256(compact_size(len(script)) + script)
        + sha256(bytes(4))
        + sha256(_OUTPUT)
        + b"\0"
        + bytes(4)
    )
    return tagged("TapSighash", message)


def _twice(data: bytes) -> bytes:
    return hashlib.sha256(sha256(data)).digest()
