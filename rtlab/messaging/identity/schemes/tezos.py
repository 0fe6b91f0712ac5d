"""Tezos: a text packed as a Micheline string, signed by an Ed25519 (tz1) or a secp256k1 (tz2) key."""

import hashlib
import re
from typing import TYPE_CHECKING

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.encodings import base58_bytes
from rtlab.messaging.identity.keys import check_ed25519, check_secp256k1, sha256
from rtlab.messaging.identity.statement import Statement

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver

TZ1, TZ2 = bytes.fromhex("06a19f"), bytes.fromhex("06a1a1")
PREFIX = "Tezos Signed Message: "
_CHECK = 4


def blake2b(data: bytes, size: int = 32) -> bytes:
    """BLAKE2b, as Tezos has it."""
    return hashlib.blake2b(data, digest_size=size).digest()


def packed(text: str) -> bytes:
    """Pack a text as wallets do before they sign it: 05, 01, its length, itself."""
    raw = text.encode()
    return b"\x05\x01" + len(raw).to_bytes(4, "big") + raw


def shown(statement: Statement, text: str) -> str:
    """Give the text that the wallet shows: the usual prefix, for whom and when, then the statement."""
    when = text.split("issued: ", 1)[1].split("\n", 1)[0]
    return f"{PREFIX}{statement.directory} {when} {text}"


def _check(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    if not statement.account.startswith("tezos:"):
        raise IdentityError("a scheme of Tezos is for its accounts", got=statement.account)
    if not re.fullmatch(r"tz[12][1-9A-HJ-NP-Za-km-z]{33}", address):
        raise IdentityError(
            "an account is not of a kind of Tezos known here", expected="tz1 or tz2", got=address
        )
    raw = base58_bytes(address, "a Tezos address")
    body, check = raw[:-_CHECK], raw[-_CHECK:]
    key = bytes.fromhex(binding.key)
    if sha256(sha256(body))[:_CHECK] != check:
        raise IdentityError("a Tezos address has a wrong checksum", got=address)
    if body not in (TZ1 + blake2b(key, 20), TZ2 + blake2b(key, 20)):
        raise IdentityError("a key is not that of the Tezos account", expected=address, got=binding.key)
    digest = blake2b(packed(shown(statement, binding.statement)))
    check_key = check_ed25519 if body.startswith(TZ1) else check_secp256k1
    check_key(key, digest, binding.signature)


SCHEMES = {"tezos": _check}
