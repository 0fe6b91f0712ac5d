import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity.encodings import (
    BECH32,
    BECH32M,
    base58_bytes,
    base64_bytes,
    bech32,
    bech32_words,
    compact_size,
    regroup,
    ss58,
    ss58_key,
)

ALICE = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"


def test_bech32_takes_the_valid_strings_of_bip_173_and_bip_350():
    for text in ("a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "?1ezyfcl"):
        prefix, words, kind = bech32_words(text)
        assert (kind, bech32(prefix, words, kind)) == (BECH32, text)
    for text in ("a1lqfn3a", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", "?1v759aa"):
        prefix, words, kind = bech32_words(text)
        assert (kind, bech32(prefix, words, kind)) == (BECH32M, text)


@pytest.mark.parametrize("text", ["A12UEL5L", "a12uel5m", "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "a1"])
def test_bech32_refuses_the_invalid_ones(text):
    with pytest.raises(IdentityError):
        bech32_words(text)


def test_bits_left_over_must_be_zero():
    assert bytes(regroup(regroup(b"rtlab", 8, 5, pad=True), 5, 8, pad=False)) == b"rtlab"
    with pytest.raises(IdentityError):
        regroup([31], 5, 8, pad=False)
    with pytest.raises(IdentityError):
        regroup([0, 1], 5, 8, pad=False)


def test_ss58_gives_the_key_of_a_known_address():
    address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    assert ss58_key(address).hex() == ALICE
    assert ss58(bytes.fromhex(ALICE), 42) == address
    for wrong in (address[:-1] + "Z", address[:-2], "", "5Grwva"):
        with pytest.raises(IdentityError):
            ss58_key(wrong)


def test_base58_and_base64_have_one_form():
    assert base58_bytes("2g", "it") == b"a"
    for wrong in ("0", "l", "\u00e9", " 2g"):
        with pytest.raises(IdentityError, match="it is"):
            base58_bytes(wrong, "it")
    assert base64_bytes("AA==", "it") == b"\0"
    for wrong in ("AB==", "AA", "AA= =", "*"):
        with pytest.raises(IdentityError, match="it is"):
            base64_bytes(wrong, "it")


def test_lengths_are_written_as_bitcoin_does():
    assert [compact_size(n).hex() for n in (0, 252, 253, 65535, 65536)] == [
        "00",
        "fc",
        "fdfd00",
        "fdffff",
        "fe00000100",
    ]
