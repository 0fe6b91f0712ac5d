import coincurve
import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity.keys import (
    ORDER,
    check_secp256k1,
    der,
    from_der,
    hash160,
    keccak256,
    recover_secp256k1,
    sha256,
)

KEY = coincurve.PrivateKey(b"\x11" * 32)
DIGEST = sha256(b"text")
RAW = KEY.sign_recoverable(DIGEST, hasher=None)


def test_digests_are_the_known_ones():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert hash160(b"").hex() == "b472a266d0bd89c13706a4132ccfb16f7c3b9fcb"


def test_a_signature_survives_der_and_has_no_second_form():
    assert from_der(der(RAW[:64])) == RAW[:64]
    assert der(RAW[:64]) == KEY.sign(DIGEST, hasher=None)
    good = der(RAW[:64])
    for wrong in (b"", good + b"\0", good[:-1], b"\x30\x06\x02\x01\x00", b"\x31" + good[1:], good[:3]):
        with pytest.raises(IdentityError):
            from_der(wrong)
    padded = b"\x30" + bytes([good[1] + 1]) + b"\x02" + bytes([good[3] + 1]) + b"\0" + good[4:]
    with pytest.raises(IdentityError):
        from_der(padded)


def test_the_upper_half_of_s_is_refused_though_the_mathematics_hold():
    high = RAW[:32] + (ORDER - int.from_bytes(RAW[32:64], "big")).to_bytes(32, "big")
    check_secp256k1(KEY.public_key.format(), DIGEST, RAW[:64])
    with pytest.raises(IdentityError, match="malleated"):
        check_secp256k1(KEY.public_key.format(), DIGEST, high)
    with pytest.raises(IdentityError, match="malleated"):
        recover_secp256k1(DIGEST, high + bytes([RAW[64] ^ 1]))


def test_the_key_is_recovered_and_other_values_of_v_are_refused():
    assert recover_secp256k1(DIGEST, RAW) == KEY.public_key.format(compressed=False)[1:]
    for v in (2, 3, 26, 29, 35, 255):
        with pytest.raises(IdentityError):
            recover_secp256k1(DIGEST, RAW[:64] + bytes([v]))


def test_no_point_of_the_curve_is_said_to_be_none():
    with pytest.raises(IdentityError, match="no point"):
        check_secp256k1(b"\x02" + b"\xff" * 32, DIGEST, RAW[:64])
