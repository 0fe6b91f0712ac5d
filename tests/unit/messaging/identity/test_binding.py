import json

import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, decoded
from rtlab.messaging.identity.binding import LARGEST

GOOD = Binding(scheme="solana", statement="a\nb", key="", signature=b"\xff\0")


def test_a_binding_is_json_with_one_form():
    assert GOOD.encoded() == b'{"scheme":"solana","statement":"a\\nb","key":"","signature":"/wA="}'
    assert decoded(GOOD.encoded()) == GOOD


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        GOOD.encoded() + b" ",
        GOOD.encoded().replace(b":", b": "),
        GOOD.encoded().replace(b"/wA=", b"/wB="),
        GOOD.encoded().replace(b"/wA=", b"/wA"),
        GOOD.encoded().replace(b'"key":""', b'"key":"AB"'),
        GOOD.encoded().replace(b'"key":""', b'"key":"abc"'),
        GOOD.encoded().replace(b"a\\nb", "\u00e9".encode()),
        json.dumps({"scheme": "solana", "statement": "a", "key": "", "signature": "", "more": 1}).encode(),
        GOOD.encoded().replace(b"a\\nb", b"a" * LARGEST),
    ],
)
def test_any_other_bytes_are_refused(payload):
    with pytest.raises(IdentityError):
        decoded(payload)
