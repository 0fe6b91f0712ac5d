"""Read who is in a group from the bytes of MLS (RFC 9420, sections 7.2, 7.8, 10): mls-rs gives its trees as bytes."""

from collections.abc import Iterable
from typing import NamedTuple

from rtlab.errors import UnreadableError

SUITE = 1
_BASIC, _LEAF, _PARENT = 1, 1, 2
_KEY_PACKAGE, _UPDATE, _COMMIT = 1, 2, 3
_MLS_10 = 1
_MESSAGE_KEY_PACKAGE, _MESSAGE_PRIVATE, _MESSAGE_PUBLIC = 5, 2, 1


class Leaf(NamedTuple):
    """A member: its signature key, its credential, the Unix seconds of its key package (0 where there are none), and
    its place in the tree.
    """

    device: bytes
    credential: bytes
    not_before: int = 0
    not_after: int = 0
    place: int = 0


class _Bytes:
    """Takes numbers and vectors off the front of bytes; UnreadableError at their end."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.raw):
            raise UnreadableError("bytes of MLS are truncated")
        self.at += size
        return self.raw[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self) -> bytes:
        first = self.number(1)
        kind = first >> 6
        if kind == 3:
            raise UnreadableError("bytes of MLS have a length that is none")
        size = (first & 0x3F) << 8 * (2**kind - 1) | self.number(2**kind - 1)
        return self.take(size)

    @property
    def is_done(self) -> bool:
        return self.at == len(self.raw)


def leaves_of(tree: bytes) -> list[Leaf]:
    """Give the members of a serialized ratchet tree, in the order of their leaves."""
    outer = _Bytes(tree)
    nodes = _Bytes(outer.vector())
    found, node = [], -1
    while not nodes.is_done:
        node += 1
        if not nodes.number(1):
            continue
        kind = nodes.number(1)
        if kind == _LEAF:
            found.append(_leaf(nodes)._replace(place=node // 2))
        elif kind == _PARENT:
            nodes.vector(), nodes.vector(), nodes.vector()
        else:
            raise UnreadableError("a tree has a node that is none", got=kind)
    return found


def left_half_is_empty(leaves: Iterable[int]) -> bool:
    """Tell whether the left half of a tree with members at these places is empty.

    ts-mls 1.6.4 takes the secret of a commit from the root also then, when the root is in no filtered path (RFC 9420,
    section 7.4), so that mls-rs and it do not read each other: such a tree is never made.
    """
    there = set(leaves)
    width = 1 << max(there).bit_length()
    return not any(leaf < width // 2 for leaf in there) if width > 1 else False


def leaf_of_key_package(message: bytes) -> Leaf:
    """Give the leaf of a key package, as it comes in an MLSMessage; UnreadableError when it is of another suite."""
    raw = _Bytes(message)
    head = (raw.number(2), raw.number(2), raw.number(2), raw.number(2))
    if head != (_MLS_10, _MESSAGE_KEY_PACKAGE, _MLS_10, SUITE):
        raise UnreadableError("what came is no key package of this suite")
    raw.vector()
    leaf = _leaf(raw)
    raw.vector(), raw.vector()
    if not raw.is_done:
        raise UnreadableError("a key package has bytes left over")
    return leaf


def group_of(message: bytes) -> bytes:
    """Give the id of the group that a message or a commit is of."""
    raw = _Bytes(message)
    if raw.number(2) != _MLS_10 or raw.number(2) not in (_MESSAGE_PRIVATE, _MESSAGE_PUBLIC):
        raise UnreadableError("what came is no message of MLS in a group")
    return raw.vector()


def _leaf(raw: _Bytes) -> Leaf:
    raw.vector()  # the key for encryption
    device = raw.vector()
    if raw.number(2) != _BASIC:
        raise UnreadableError("a member has a credential of a kind that is not known")
    credential = raw.vector()
    for _ in range(5):  # capabilities
        raw.vector()
    source, times = raw.number(1), (0, 0)
    if source == _KEY_PACKAGE:
        times = (raw.number(8), raw.number(8))
    elif source == _COMMIT:
        raw.vector()
    elif source != _UPDATE:
        raise UnreadableError("a leaf comes from somewhere that is not known", got=source)
    raw.vector(), raw.vector()  # extensions, signature
    return Leaf(device, credential, *times)
