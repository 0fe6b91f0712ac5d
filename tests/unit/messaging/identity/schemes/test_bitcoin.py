from base64 import b64encode

import coincurve
import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity.encodings import BECH32, BECH32M, bech32, regroup
from rtlab.messaging.identity.keys import hash160, sha256
from rtlab.messaging.identity.schemes import bitcoin
from rtlab.messaging.identity.schemes.bitcoin_sighash import digest_v0, digest_v1, spent_by

KEYS = [coincurve.PrivateKey(bytes([n]) * 32) for n in (1, 2, 3)]
PUBLIC = [key.public_key.format() for key in KEYS]


def address_of(program: bytes, version: int = 0) -> str:
    kind = BECH32M if version else BECH32
    return bech32("bc", [version, *regroup(program, 8, 5, pad=True)], kind)


def witness(*elements: bytes) -> str:
    return b64encode(bytes([len(elements)]) + b"".join(bytes([len(e)]) + e for e in elements)).decode()


def signed(key: coincurve.PrivateKey, digest: bytes, kind: int = 1) -> bytes:
    return key.sign(digest, hasher=None) + bytes([kind])


def script_two_of(keys: list[bytes]) -> bytes:
    return b"\x52" + b"".join(b"\x21" + key for key in keys) + bytes([0x50 + len(keys), 0xAE])


def multisig(signers: list[int], code: bytes) -> tuple[str, str]:
    address = address_of(sha256(code))
    digest = digest_v0(spent_by(bitcoin.script_of(address), b"text"), code)
    return address, witness(b"", *(signed(KEYS[n], digest) for n in signers), code)


@pytest.mark.parametrize(
    "address",
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        bech32("bc", [0, *regroup(bytes(20), 8, 5, pad=True)], BECH32M),
        bech32("bc", [1, *regroup(bytes(32), 8, 5, pad=True)], BECH32),
        bech32("bc", [2, *regroup(bytes(32), 8, 5, pad=True)], BECH32M),
        bech32("bc", [1, *regroup(bytes(20), 8, 5, pad=True)], BECH32M),
        bech32("bc", [0, *regroup(bytes(21), 8, 5, pad=True)], BECH32),
        bech32("bc", [], BECH32),
    ],
)
def test_addresses_of_other_kinds_and_chains_are_refused(address):
    with pytest.raises(IdentityError):
        bitcoin.script_of(address)


def test_a_signature_covers_the_message_and_the_address():
    address, other = (address_of(hash160(public)) for public in PUBLIC[:2])
    script = bitcoin.script_of(address)
    digest = digest_v0(spent_by(script, b"text"), b"\x76\xa9\x14" + script[2:] + b"\x88\xac")
    good = witness(signed(KEYS[0], digest), PUBLIC[0])
    bitcoin.check_simple(address, b"text", good)
    bitcoin.check_simple(address, b"text", "smp" + good)
    for wrong in ((other, b"text", good), (address, b"texu", good), (address, b"text", "ful" + good)):
        with pytest.raises(IdentityError):
            bitcoin.check_simple(*wrong)
    for elements in (
        (signed(KEYS[0], digest, 3), PUBLIC[0]),  # SIGHASH_SINGLE leaves things open
        (signed(KEYS[0], digest)[:-1], PUBLIC[0]),
        (signed(KEYS[1], digest), PUBLIC[0]),
        (signed(KEYS[1], digest), PUBLIC[1]),
        (signed(KEYS[0], digest), KEYS[0].public_key.format(compressed=False)),
        (signed(KEYS[0], digest), PUBLIC[0], b""),
    ):
        with pytest.raises(IdentityError):
            bitcoin.check_simple(address, b"text", witness(*elements))


@pytest.mark.parametrize("kind", [0, 1])
def test_a_key_path_of_taproot_signs_all_or_by_default(kind):
    address = address_of(PUBLIC[0][1:], 1)
    script = bitcoin.script_of(address)
    key = KEYS[0]
    signature = key.sign_schnorr(digest_v1(spent_by(script, b"text"), script, kind))
    good = signature + (b"\x01" if kind else b"")
    bitcoin.check_simple(address, b"text", witness(good))
    for wrong in (signature + b"\x00", signature + b"\x02", signature[:-1], signature + b"\x01\x01", b""):
        with pytest.raises(IdentityError):
            bitcoin.check_simple(address, b"text", witness(wrong))
    with pytest.raises(IdentityError):
        bitcoin.check_simple(address, b"text", witness(good, b"\x50annex"))


def test_two_of_three_sign_in_the_order_of_their_keys():
    code = script_two_of(PUBLIC)
    for signers in ([0, 1], [0, 2], [1, 2]):
        bitcoin.check_simple(*multisig(signers, code)[:1], b"text", multisig(signers, code)[1])
    for signers in ([1, 0], [0, 0], [0], [0, 1, 2], []):
        address, signature = multisig(signers, code)
        with pytest.raises(IdentityError):
            bitcoin.check_simple(address, b"text", signature)


def test_other_scripts_than_plain_multisig_are_refused():
    code = script_two_of(PUBLIC)
    for wrong in (b"\x51", b"\x75" + code, code[:-1] + b"\xaf", b"\x54" + code[1:], code + b"\x51"):
        address, signature = multisig([0, 1], wrong)
        with pytest.raises(IdentityError):
            bitcoin.check_simple(address, b"text", signature)


def test_taproot_over_no_point_is_refused():
    address = address_of(b"\xff" * 32, 1)
    with pytest.raises(IdentityError, match="no point"):
        bitcoin.check_simple(address, b"text", witness(bytes(64)))
