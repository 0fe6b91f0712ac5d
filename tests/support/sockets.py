"""Pairs of sockets that are joined, and their descriptors as the fan-out takes them."""

import contextlib
import socket
from collections.abc import Iterator

import numpy as np

Pairs = list[tuple[socket.socket, socket.socket]]


@contextlib.contextmanager
def socket_pairs(count: int) -> Iterator[Pairs]:
    """Give pairs that never wait; all are closed at the end."""
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(count)]
        for ours, theirs in pairs:
            stack.enter_context(ours)
            stack.enter_context(theirs)
            ours.setblocking(False)
            theirs.setblocking(False)
        yield pairs


def descriptors(pairs: Pairs) -> np.ndarray:
    return np.array([ours.fileno() for ours, _ in pairs], np.int64)


def fill(one: socket.socket) -> None:
    """Write until it takes no more."""
    with contextlib.suppress(BlockingIOError):
        while True:
            one.send(bytes(4096))
