"""Bitcoin: generic signed messages (BIP-322, "simple"), for P2WPKH, P2TR by its key path, and plain multisig P2WSH.

A signature is the witness of a transaction that spends a virtual output of the address and can be on no chain.
"""

from base64 import b64encode
from typing import TYPE_CHECKING

import coincurve

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.encodings import (
    BECH32,
    BECH32M,
    base64_bytes,
    bech32_words,
    regroup,
)
from rtlab.messaging.identity.keys import check_secp256k1, from_der, hash160, need, sha256
from rtlab.messaging.identity.schemes.bitcoin_sighash import ALL, digest_v0, digest_v1, spent_by
from rtlab.messaging.identity.schemes.bitcoin_witness import multisig_keys, stack_of
from rtlab.messaging.identity.statement import Statement

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver

SIMPLE = "smp"
"""Stands before a simple signature, by the newest text of BIP-322; older ones have nothing there."""


def script_of(address: str) -> bytes:
    """Give the output script of a segwit address on the main chain."""
    prefix, words, kind = bech32_words(address)
    if prefix != "bc" or not words:
        raise IdentityError("an address is not one of Bitcoin's main chain", got=address)
    version, program = words[0], bytes(regroup(words[1:], 5, 8, pad=False))
    if (version, kind) not in ((0, BECH32), (1, BECH32M)) or len(program) not in (20, 32):
        raise IdentityError(
            "an address is not of a kind known here", expected="P2WPKH, P2WSH or P2TR", got=address
        )
    if version == 1 and len(program) != 32:
        raise IdentityError("an address of Taproot has a wrong length", got=address)
    return bytes([0x50 + version if version else 0, len(program)]) + program


def check_simple(address: str, message: bytes, signature: str) -> None:
    """Check a simple signature in text form; IdentityError unless it is genuine."""
    script = script_of(address)
    raw = base64_bytes(signature.removeprefix(SIMPLE), "a BIP-322 signature")
    stack = stack_of(raw)
    spent = spent_by(script, message)
    if script[0] == 0x51:
        _check_taproot(script, stack, spent)
    elif len(script) == 22:
        _check_key_hash(script, stack, spent)
    else:
        _check_multisig(script, stack, spent)


def _check_key_hash(script: bytes, stack: list[bytes], spent: bytes) -> None:
    if len(stack) != 2 or hash160(need(stack[1], 33, "a key")) != script[2:]:
        raise IdentityError("a witness is not of this P2WPKH address", expected="a signature and its key")
    code = b"\x76\xa9\x14" + script[2:] + b"\x88\xac"
    _check_ecdsa(stack[1], stack[0], digest_v0(spent, code))


def _check_taproot(script: bytes, stack: list[bytes], spent: bytes) -> None:
    if len(stack) != 1 or len(stack[0]) not in (64, 65):
        raise IdentityError("a witness is not by the key path of a Taproot address")
    kind = stack[0][64] if len(stack[0]) == 65 else 0
    if len(stack[0]) == 65 and kind != ALL:
        raise IdentityError(
            "a signature does not sign the whole transaction", expected="SIGHASH_ALL", got=kind
        )
    try:
        key = coincurve.PublicKeyXOnly(script[2:])
    except ValueError:
        raise IdentityError("a Taproot address is no point of the curve", got=script[2:].hex()) from None
    if not key.verify(stack[0][:64], digest_v1(spent, script, kind)):
        raise IdentityError("the signature is not of this message by this address")


def _check_multisig(script: bytes, stack: list[bytes], spent: bytes) -> None:
    if len(stack) < 3 or stack[0] or sha256(stack[-1]) != script[2:]:
        raise IdentityError("a witness is not of this P2WSH address")
    required, keys = multisig_keys(stack[-1])
    signatures = stack[1:-1]
    if len(signatures) != required:
        raise IdentityError("a multisig witness has not the number of signatures", expected=required)
    digest = digest_v0(spent, stack[-1])
    left = iter(keys)
    for signature in signatures:
        if not any(_is_genuine(key, signature, digest) for key in left):
            raise IdentityError("a signature is of none of the keys that are left")


def _is_genuine(key: bytes, signature: bytes, digest: bytes) -> bool:
    try:
        _check_ecdsa(key, signature, digest)
    except IdentityError:
        return False
    return True


def _check_ecdsa(key: bytes, signature: bytes, digest: bytes) -> None:
    if signature[-1:] != bytes([ALL]):
        raise IdentityError("a signature does not sign the whole transaction", expected="SIGHASH_ALL")
    check_secp256k1(key, digest, from_der(signature[:-1]))


def _check(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    if not statement.account.startswith("bip122:000000000019d6689c085ae165831e93:"):
        raise IdentityError("BIP-322 is for accounts of Bitcoin's main chain", got=statement.account)
    if binding.key:
        raise IdentityError("a Bitcoin signature comes without a key", got=binding.key)
    check_simple(address, binding.statement.encode(), b64encode(binding.signature).decode())


SCHEMES = {"bip322": _check}
