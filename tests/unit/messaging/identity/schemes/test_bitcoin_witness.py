import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity.schemes.bitcoin_witness import multisig_keys, stack_of

KEY = b"\x02" + bytes(range(32))


def test_elements_are_cut_at_their_lengths():
    assert stack_of(b"\x02\x01a\x00") == [b"a", b""]
    long = b"\x01\xfd\xfd\x00" + b"x" * 253
    assert stack_of(long) == [b"x" * 253]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\x01",
        b"\x01\x02a",
        b"\x01\x01ab",
        b"\x21" + b"\x00" * 33,
        b"\x01\xfd\x01\x00a",
        b"\x01\xfd\x01",
        b"\x01\xfe\x01\x00\x00\x00a",
        b"\xff",
        b"\x01\xfd\xff\xff" + b"x" * 65535,
    ],
)
def test_a_witness_with_bytes_missing_left_over_or_too_many_is_refused(raw):
    with pytest.raises(IdentityError):
        stack_of(raw)


def test_a_plain_multisig_gives_its_keys():
    code = b"\x51\x21" + KEY + b"\x21" + KEY[::-1] + b"\x52\xae"
    assert multisig_keys(code) == (1, [KEY, KEY[::-1]])
    for wrong in (code[1:], code[:-1], code[:-2] + b"\x53\xae", b"\x53" + code[1:], b"\x51\x52\xae", b"\x51"):
        with pytest.raises(IdentityError):
            multisig_keys(wrong)
