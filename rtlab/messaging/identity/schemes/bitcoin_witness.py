"""Read a witness stack, and the one form of script that is known here: so many of these keys."""

from rtlab.errors import IdentityError

LARGEST = 4096
_CHECKMULTISIG = 0xAE


def stack_of(raw: bytes) -> list[bytes]:
    """Cut a serialized witness into its elements; IdentityError when bytes are missing or left over."""
    count, at = _size(raw, 0)
    elements = []
    if not 0 < count <= 32 or len(raw) > LARGEST:
        raise IdentityError("a witness has no sensible number of elements", got=count)
    for _ in range(count):
        size, at = _size(raw, at)
        if at + size > len(raw):
            raise IdentityError("a witness is truncated")
        elements.append(raw[at : at + size])
        at += size
    if at != len(raw):
        raise IdentityError("a witness has bytes left over", got=len(raw) - at)
    return elements


def multisig_keys(script: bytes) -> tuple[int, list[bytes]]:
    """Give how many of which compressed keys a script asks for; IdentityError for any other script."""
    keys = [script[i + 1 : i + 34] for i in range(1, len(script) - 2, 34)]
    required, total = script[0] - 0x50, len(keys)
    if not 0 < required <= total <= 15:
        raise IdentityError("a script is no plain multisig", got=script.hex())
    form = (
        bytes([0x50 + required])
        + b"".join(b"\x21" + key for key in keys)
        + bytes([0x50 + total, _CHECKMULTISIG])
    )
    if form != script:
        raise IdentityError("a script is no plain multisig", got=script.hex())
    return required, keys


def _size(raw: bytes, at: int) -> tuple[int, int]:
    if at >= len(raw):
        raise IdentityError("a witness is truncated")
    if raw[at] < 0xFD:
        return raw[at], at + 1
    size = int.from_bytes(raw[at + 1 : at + 3], "little")
    if raw[at] != 0xFD or at + 3 > len(raw) or size < 0xFD:
        raise IdentityError("a witness has a length of another form")
    return size, at + 3
