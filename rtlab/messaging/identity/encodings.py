"""The encodings of addresses: Base58, Bech32 and Bech32m (BIP-173, BIP-350), SS58, and Bitcoin's compact sizes.

All are strict: what is decoded here, encoded again, gives the same characters.
"""

import binascii
import hashlib
import struct
from base64 import b64decode, b64encode

import base58

from rtlab.errors import IdentityError

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
BECH32, BECH32M = 1, 0x2BC830A3
_SS58_LABEL = b"SS58PRE"
_SS58_CHECK = 2


def base64_bytes(text: str, what: str) -> bytes:
    """Decode padded standard base64; IdentityError, which names `what`, for any other text."""
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise IdentityError(f"{what} is no base64", got=text) from None
    if b64encode(raw).decode() != text:
        raise IdentityError(f"{what} is base64 in another form than the one it has", got=text)
    return raw


def base58_bytes(text: str, what: str) -> bytes:
    """Decode Base58; IdentityError, which names `what`, for any other text."""
    try:
        raw = base58.b58decode(text.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raise IdentityError(f"{what} is no Base58", got=text) from None
    if base58.b58encode(raw).decode() != text:
        raise IdentityError(f"{what} is Base58 in another form than the one it has", got=text)
    return raw


def bech32_words(text: str) -> tuple[str, list[int], int]:
    """Decode Bech32 or Bech32m: prefix, 5-bit words without the checksum, and which of the two it is."""
    prefix, separator, rest = text.rpartition("1")
    if text != text.lower() or not separator or not prefix or len(rest) < 6 or len(text) > 90:
        raise IdentityError("an address is no Bech32", got=text)
    if any(not 33 <= ord(c) <= 126 for c in prefix) or any(c not in _CHARSET for c in rest):
        raise IdentityError("an address is no Bech32", got=text)
    words = [_CHARSET.index(c) for c in rest]
    kind = _polymod([*_expanded(prefix), *words])
    if kind not in (BECH32, BECH32M):
        raise IdentityError("an address has a wrong checksum", got=text)
    return prefix, words[:-6], kind


def bech32(prefix: str, words: list[int], kind: int) -> str:
    """Encode 5-bit words as Bech32 or Bech32m."""
    mod = _polymod([*_expanded(prefix), *words, *[0] * 6]) ^ kind
    check = [mod >> 5 * (5 - i) & 31 for i in range(6)]
    return f"{prefix}1{''.join(_CHARSET[w] for w in [*words, *check])}"


def regroup(words: bytes | list[int], of: int, into: int, *, pad: bool) -> list[int]:
    """Cut a string of `of`-bit groups into `into`-bit ones; IdentityError when bits are left over that are not 0."""
    value = bits = 0
    out = []
    for word in words:
        value, bits = value << of | word, bits + of
        while bits >= into:
            bits -= into
            out.append(value >> bits & (1 << into) - 1)
        value &= (1 << bits) - 1
    if pad and bits:
        out.append(value << into - bits & (1 << into) - 1)
    elif not pad and (bits >= of or value):
        raise IdentityError("an address has bits left over")
    return out


def ss58_key(text: str) -> bytes:
    """Give the 32 bytes of a public key from an SS58 address of any network."""
    raw = base58_bytes(text, "an SS58 address")
    ident = 1 if raw and raw[0] < 64 else 2
    if len(raw) != ident + 32 + _SS58_CHECK or raw[0] >= 128:
        raise IdentityError("an SS58 address is not of a public key", expected="32 bytes", got=text)
    checked = hashlib.blake2b(_SS58_LABEL + raw[:-_SS58_CHECK]).digest()[:_SS58_CHECK]
    if checked != raw[-_SS58_CHECK:]:
        raise IdentityError("an SS58 address has a wrong checksum", got=text)
    return raw[ident:-_SS58_CHECK]


def ss58(key: bytes, network: int) -> str:
    """Encode a public key as an SS58 address of a network below 64."""
    body = bytes([network]) + key
    return base58.b58encode(body + hashlib.blake2b(_SS58_LABEL + body).digest()[:_SS58_CHECK]).decode()


def compact_size(n: int) -> bytes:
    """Encode a length as Bitcoin does."""
    if n < 0xFD:
        return bytes([n])
    return b"\xfd" + struct.pack("<H", n) if n <= 0xFFFF else b"\xfe" + struct.pack("<I", n)


def _expanded(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for i, generator in enumerate(_GENERATORS):
            if top >> i & 1:
                check ^= generator
    return check
