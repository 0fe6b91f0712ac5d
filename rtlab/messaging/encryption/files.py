"""Files in chunks: STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015) over AES-256-GCM, with the nonces of age.

A file has a random key of its own, for nothing else, which goes inside a message of MLS. The nonce of a chunk is its
index in 11 bytes and a byte that is 1 for the last only: no chunk can be changed, moved, left out, cut off or added.
Nothing is compressed, and how long every chunk must be follows from the size in the message.
"""

from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rtlab.errors import MessagingError, UnreadableError

CHUNK, TAG, KEY = 32_768, 16, 32
SEALED = CHUNK + TAG
LARGEST = 25 * 2**20


def count_of(size: int) -> int:
    """Give how many chunks a file of `size` bytes has; MessagingError when it is too large."""
    if not 0 <= size <= LARGEST:
        raise MessagingError(
            "a file is too large to be sent", expected=f"{LARGEST} bytes at most", got=f"{size}"
        )
    return max(1, -(-size // CHUNK))


def sealed_size(size: int) -> int:
    """Give how many bytes all chunks of a file of `size` bytes have when they are encrypted."""
    return size + TAG * count_of(size)


def sealed_chunks(key: bytes, content: bytes) -> Iterator[bytes]:
    """Encrypt a file chunk by chunk. The same key must never encrypt another content."""
    cipher, count = AESGCM(key), count_of(len(content))
    for index in range(count):
        yield cipher.encrypt(
            _nonce(index, count), content[index * CHUNK : (index + 1) * CHUNK], associated_data=None
        )


def open_chunk(key: bytes, size: int, index: int, sealed: bytes) -> bytes:
    """Decrypt chunk `index` of a file of `size` bytes; UnreadableError unless it is exactly that one."""
    count = count_of(size)
    expected = min(CHUNK, size - index * CHUNK) + TAG
    if not 0 <= index < count or len(sealed) != expected:
        raise UnreadableError("a chunk of a file has another length", expected=expected, got=len(sealed))
    try:
        return AESGCM(key).decrypt(_nonce(index, count), sealed, associated_data=None)
    except InvalidTag:
        raise UnreadableError("a chunk of a file is not genuine", got=f"chunk {index}") from None


def _nonce(index: int, count: int) -> bytes:
    return index.to_bytes(11, "big") + bytes([index == count - 1])
