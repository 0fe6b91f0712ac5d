"""Contents are padded to buckets, so that a length tells little: 256 bytes, doubled up to 32 KiB."""

from rtlab.errors import MessagingError, UnreadableError

SMALLEST, LARGEST = 256, 32768
_HEAD = 4


def pad(content: bytes) -> bytes:
    """Give the length (4 bytes), the content and zeros up to the next bucket; MessagingError when it fits in none."""
    bucket = SMALLEST
    while bucket < len(content) + _HEAD:
        bucket *= 2
    if bucket > LARGEST:
        raise MessagingError(
            "a message is too long", expected=f"{LARGEST - _HEAD} bytes at most", got=f"{len(content)}"
        )
    return (len(content).to_bytes(_HEAD, "big") + content).ljust(bucket, b"\0")


def unpad(padded: bytes) -> bytes:
    """Give the content; UnreadableError for anything that `pad` does not give."""
    size = int.from_bytes(padded[:_HEAD], "big")
    is_bucket = SMALLEST <= len(padded) <= LARGEST and not len(padded) & (len(padded) - 1)
    if not is_bucket or size > len(padded) - _HEAD or padded[_HEAD + size :].strip(b"\0"):
        raise UnreadableError("a message is padded in another way", got=f"{len(padded)} bytes")
    return padded[_HEAD : _HEAD + size]
