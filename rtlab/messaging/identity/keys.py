"""Digests and signature checks under all schemes; each raises IdentityError for a signature that is not genuine.

Signatures have one form only: S of ECDSA in the lower half, S of Ed25519 below the group's order, fixed lengths.
"""

import hashlib

import coincurve
from Crypto.Hash import RIPEMD160, keccak
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rtlab.errors import IdentityError

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1."""

ORDER_25519 = 2**252 + 27742317777372353535851937790883648493
"""Of the group of Ed25519 and sr25519."""

_BAD = "the signature is not of this statement by this account"


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def keccak256(data: bytes) -> bytes:
    """Keccak-256, as Ethereum has it."""
    return keccak.new(digest_bits=256, data=data).digest()


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256, as Bitcoin and Cosmos have it."""
    return RIPEMD160.new(sha256(data)).digest()


def check_ed25519(key: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature (RFC 8032) of 64 bytes by a key of 32."""
    need(key, 32, "an Ed25519 key")
    need(signature, 64, "an Ed25519 signature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise IdentityError(_BAD) from None


def check_secp256k1(key: bytes, digest: bytes, signature: bytes) -> None:
    """Check a compact (r, s) ECDSA signature of 64 bytes by a compressed key."""
    need(key, 33, "a compressed secp256k1 key")
    _check_scalars(signature)
    try:
        genuine = coincurve.PublicKey(key).verify(der(signature), digest, hasher=None)
    except ValueError:
        raise IdentityError("a secp256k1 key is no point of the curve", got=key.hex()) from None
    if not genuine:
        raise IdentityError(_BAD)


def recover_secp256k1(digest: bytes, signature: bytes) -> bytes:
    """Give the uncompressed key (64 bytes) that made a signature r, s, v (65 bytes; v is 0, 1, 27 or 28)."""
    need(signature, 65, "an Ethereum signature")
    _check_scalars(signature[:64])
    v = signature[64] - 27 if signature[64] in (27, 28) else signature[64]
    if v not in (0, 1):
        raise IdentityError("an Ethereum signature has a wrong v", expected="27 or 28", got=signature[64])
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature[:64] + bytes([v]), digest, hasher=None)
    except Exception as problem:  # noqa: BLE001 - coincurve raises a bare Exception here
        raise IdentityError(f"no key made this signature: {problem}") from None
    return key.format(compressed=False)[1:]


def der(signature: bytes) -> bytes:
    """Encode r, s (64 bytes) as DER."""
    parts = b""
    for half in (signature[:32], signature[32:]):
        number = half.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] & 0x80 else number
        parts += b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([len(parts)]) + parts


def from_der(signature: bytes) -> bytes:
    """Give r, s (64 bytes) of a DER signature, which must have the only form that DER allows (BIP-66)."""
    at, numbers = 2, b""
    if len(signature) < 8 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise IdentityError("an ECDSA signature is no DER")
    for _ in range(2):
        size = signature[at + 1] if at + 1 < len(signature) else 0
        number = signature[at + 2 : at + 2 + size].lstrip(b"\0")
        if len(number) > 32:
            raise IdentityError("an ECDSA signature is no DER")
        numbers += number.rjust(32, b"\0")
        at += 2 + size
    if der(numbers) != signature:
        raise IdentityError("an ECDSA signature is DER in another form than the one it has")
    return numbers


def need(data: bytes, size: int, what: str) -> bytes:
    """Give `data` if it has `size` bytes; IdentityError otherwise."""
    if len(data) != size:
        raise IdentityError(f"{what} has a wrong length", expected=f"{size} bytes", got=f"{len(data)}")
    return data


def _check_scalars(signature: bytes) -> None:
    need(signature, 64, "an ECDSA signature")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 0 < r < ORDER or not 0 < s < ORDER:
        raise IdentityError("an ECDSA signature is out of range")
    if s > ORDER // 2:
        raise IdentityError("an ECDSA signature is malleated: its s is in the upper half")
