"""NEAR: signed messages (NEP-413). An implicit account is its key; a named one needs a resolver."""

import re
import struct
from typing import TYPE_CHECKING

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.keys import check_ed25519, sha256
from rtlab.messaging.identity.statement import Statement

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver

TAG = 2**31 + 413
_IMPLICIT = re.compile(r"[0-9a-f]{64}")
_NAMED = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")


def digest(message: str, nonce: bytes, recipient: str, callback_url: str | None = None) -> bytes:
    """Give what a wallet signs: SHA-256 of the tag and the Borsh encoding of the payload."""
    url = b"\0" if callback_url is None else b"\1" + _string(callback_url)
    return sha256(struct.pack("<I", TAG) + _string(message) + nonce + _string(recipient) + url)


def _check(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    if not statement.account.startswith(("near:mainnet:", "near:testnet:")):
        raise IdentityError("NEP-413 is for accounts of NEAR", got=statement.account)
    key = _key(statement, address, binding, resolver)
    signed = digest(binding.statement, statement.nonce, statement.directory)
    check_ed25519(key, signed, binding.signature)


def _key(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> bytes:
    if _IMPLICIT.fullmatch(address):
        if binding.key:
            raise IdentityError("an implicit NEAR account is its key: expected no other", got=binding.key)
        return bytes.fromhex(address)
    if not _NAMED.fullmatch(address):
        raise IdentityError("this is no NEAR account", got=address)
    if resolver is None:
        raise IdentityError(
            "the keys of a named NEAR account are on its chain: no resolver is given for that", got=address
        )
    if len(binding.key) != 64:
        raise IdentityError(
            "a named NEAR account signs with an Ed25519 key that comes with it", got=binding.key
        )
    key = bytes.fromhex(binding.key)
    if key not in resolver.keys_of(statement.account):
        raise IdentityError("a key is not among those of the NEAR account", got=binding.key)
    return key


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw


SCHEMES = {"nep413": _check}
