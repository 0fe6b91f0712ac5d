"""Polkadot: signRaw of a wallet extension, a Schnorr signature (sr25519) over the text in <Bytes>."""

from typing import TYPE_CHECKING

import sr25519

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.encodings import ss58_key
from rtlab.messaging.identity.keys import ORDER_25519, need
from rtlab.messaging.identity.statement import Statement

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver


def wrapped(text: str) -> bytes:
    """Give what the extension signs in place of a text, so that it can be no transaction."""
    return b"<Bytes>" + text.encode() + b"</Bytes>"


def check_sr25519(key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature of 64 bytes (R, s, with schnorrkel's mark in the highest bit) in the context "substrate"."""
    need(key, 32, "an sr25519 key")
    need(signature, 64, "an sr25519 signature")
    if not signature[63] & 0x80:
        raise IdentityError("an sr25519 signature has not the mark of one")
    if int.from_bytes(signature[32:63] + bytes([signature[63] & 0x7F]), "little") >= ORDER_25519:
        raise IdentityError("an sr25519 signature is malleated: its s is out of range")
    try:
        genuine = sr25519.verify(signature, message, key)
    except ValueError as problem:
        raise IdentityError(f"an sr25519 key or signature cannot be read: {problem}") from None
    if not genuine:
        raise IdentityError("the signature is not of this statement by this account")


def _check(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    if not statement.account.startswith("polkadot:"):
        raise IdentityError("a scheme of Polkadot is for its accounts", got=statement.account)
    if binding.key:
        raise IdentityError("a Polkadot address is its key: expected no other", got=binding.key)
    check_sr25519(ss58_key(address), wrapped(binding.statement), binding.signature)


SCHEMES = {"sr25519": _check}
