"""A statement with the signature of its wallet: the credential of a device, and its one encoding."""

import binascii
import re
from base64 import b64decode, b64encode

import msgspec

from rtlab.errors import IdentityError

LARGEST = 4096
"""bytes of an encoded binding"""

_KEY = re.compile(r"([0-9a-f]{2}){0,65}")
_SCHEME = re.compile(r"[a-z0-9-]{1,16}")


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`scheme` names how `signature` was made over `statement`; `key` is the wallet's public key (hex) where neither
    the address nor the signature gives it, else empty.
    """

    scheme: str
    statement: str
    key: str
    signature: bytes

    def encoded(self) -> bytes:
        """Give the bytes that travel, as the identity of an MLS basic credential: JSON without spaces, ASCII."""
        fields = {
            "scheme": self.scheme,
            "statement": self.statement,
            "key": self.key,
            "signature": b64encode(self.signature).decode(),
        }
        return msgspec.json.encode(fields)


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    scheme: str
    statement: str
    key: str
    signature: str


def decoded(payload: bytes) -> Binding:
    """Read a binding; IdentityError for anything but the exact bytes that `Binding.encoded` gives."""
    if len(payload) > LARGEST:
        raise IdentityError("a binding is too large", expected=f"{LARGEST} bytes", got=f"{len(payload)}")
    try:
        fields = msgspec.json.decode(payload, type=_Fields)
        signature = b64decode(fields.signature, validate=True)
    except (msgspec.MsgspecError, binascii.Error, ValueError) as problem:
        raise IdentityError(f"a binding cannot be read: {problem}") from None
    if (
        not _KEY.fullmatch(fields.key)
        or not _SCHEME.fullmatch(fields.scheme)
        or not fields.statement.isascii()
    ):
        raise IdentityError("a binding has fields of another form")
    binding = Binding(scheme=fields.scheme, statement=fields.statement, key=fields.key, signature=signature)
    if binding.encoded() != payload:
        raise IdentityError("a binding reads otherwise than it is written")
    return binding
