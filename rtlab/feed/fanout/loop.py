"""The loop over send(2): no Python between two sends."""

import os
import socket
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from rtlab.compiling import kernel

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

FULL = -1
"""What a socket took when it took nothing: its buffer is full, or its peer is gone."""

FLAGS = getattr(socket, "MSG_DONTWAIT", 0) | getattr(socket, "MSG_NOSIGNAL", 0)
# ssize_t send(int, const void *, size_t, int): found by its name, so that the machine code can be kept on disk
_types: Any = types
send = _types.ExternalFunction("send", _types.intp(_types.int32, _types.uintp, _types.uintp, _types.int32))


@kernel
def _send_to_all(descriptors: Ints, frame: Bytes, flags: int, took: Ints) -> int:
    address, size, short = frame.ctypes.data, frame.size, 0
    for i in range(descriptors.size):
        descriptor = descriptors[i]
        took[i] = send(descriptor, address, size, flags) if descriptor >= 0 else -1
        if took[i] != size:
            short += 1
    return short


def is_possible() -> bool:
    """Whether sockets can be written past their transports here: not on Windows, whose sockets are no descriptors."""
    return os.name == "posix" and sys.byteorder == "little" and bool(FLAGS)


def send_to_all(descriptors: Ints, frame: bytes, took: Ints) -> int:
    """Send `frame` to each socket without waiting; `took` is set to the bytes that each took, FULL for none.

    A negative descriptor is passed over, as FULL. Gives the number of those that did not take all of it. A frame
    that was taken in part must be finished before anything else is sent there.
    """
    return _send_to_all(descriptors, np.frombuffer(frame, np.uint8), FLAGS, took)
