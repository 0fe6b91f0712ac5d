import pytest

from rtlab.errors import MessagingError, UnreadableError
from rtlab.messaging.encryption.padding import LARGEST, SMALLEST, pad, unpad


@pytest.mark.parametrize("size", [0, 1, 251, 252, 253, 508, 509, 4092, 4093, LARGEST - 4])
def test_a_content_comes_back_from_a_bucket(size):
    content = bytes(i % 251 for i in range(size))
    padded = pad(content)
    assert len(padded) in {SMALLEST << n for n in range(8)}
    assert len(padded) < 2 * max(SMALLEST, size + 4)
    assert unpad(padded) == content


def test_contents_of_about_one_length_are_of_one_length():
    assert {len(pad(b"x" * size)) for size in range(253)} == {256}
    assert {len(pad(b"x" * size)) for size in range(253, 509)} == {512}


def test_what_fits_no_bucket_is_refused():
    with pytest.raises(MessagingError, match="too long"):
        pad(bytes(LARGEST - 3))


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(3),
        bytes(255),
        bytes(257),
        bytes(2 * LARGEST),
        bytes(384),
        (253).to_bytes(4, "big") + bytes(252),
        b"\xff" * 4 + bytes(252),
        bytes(255) + b"\1",
        (1).to_bytes(4, "big") + b"a" + bytes(250) + b"b",
    ],
)
def test_any_other_padding_is_refused(padded):
    with pytest.raises(UnreadableError):
        unpad(padded)
