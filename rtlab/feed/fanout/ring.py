"""Many sends in one system call, where Linux has io_uring (6.1 or newer) and lets this process use it.

The layout of the rings is that of <linux/io_uring.h>; io_uring(7) tells how they are used.
"""

import ctypes
import mmap
import os
import struct
import sys
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numba import types

from rtlab.compiling import kernel
from rtlab.feed.fanout.loop import FLAGS, Bytes, Ints, send

Numbers = npt.NDArray[np.uint32]

ENTRIES = 512
"""Sends that go in one call, at most."""

_SETUP, _ENTER = 425, 426  # system calls, by the same numbers on all machines since they were added
_SUBMIT_ALL, _SINGLE_ISSUER, _DEFER_TASKRUN = 1 << 7, 1 << 12, 1 << 13
_GET_EVENTS, _SEND = 1, 26
_SUBMISSIONS, _COMPLETIONS, _REQUESTS = 0, 0x8000000, 0x10000000  # where the three are mapped
_SQE, _CQE = 64, 16  # bytes
_PARAMS = struct.Struct("=10I 10I 10I")  # sizes and features; offsets of submissions; of completions
_TRIES = 8
_types: Any = types
_word = _types.intp
_syscall = _types.ExternalFunction("syscall", _word(_word, _word, _word, _word, _word, _word, _word))


@kernel
def _send_by_ring(
    ring: int,
    requests: Ints,
    taken: Numbers,
    given: Numbers,
    completions: Ints,
    seen: Numbers,
    done: Numbers,
    descriptors: Ints,
    frame: Bytes,
    took: Ints,
) -> int:
    # requests that the system took and that we gave; completions that we have seen and that it has done
    address, size, first = frame.ctypes.data, frame.size, np.int64(given[0])
    count = 0
    for i in range(descriptors.size):
        took[i] = -1
        if descriptors[i] >= 0:
            row = requests[(first + count) % len(requests)]
            row[0], row[2], row[3], row[4] = _SEND | descriptors[i] << 32, address, size | FLAGS << 32, i
            count += 1
    given[0] = first + count
    short, waiting, tries = descriptors.size, count, 0
    while waiting and tries < _TRIES:
        submit = np.int64(given[0] - taken[0])
        if _syscall(_ENTER, ring, submit, min(waiting, submit), _GET_EVENTS, 0, 0) < 0:
            tries += 1  # a signal came; else it will not come to work
        at, end = np.int64(seen[0]), np.int64(done[0])
        while at != end:
            row = completions[at % len(completions)]
            sent = np.int64(np.int32(row[1] & 0xFFFFFFFF))
            took[row[0]] = sent if sent >= 0 else -1
            short -= sent == size
            waiting -= 1
            at = (at + 1) & 0xFFFFFFFF
        seen[0] = at
    if waiting:  # what the system did not take goes the other way
        left = np.int64(given[0] - taken[0])
        for k in range(count - left, count):
            i = requests[(first + k) % len(requests)][4]
            took[i] = send(descriptors[i], address, size, FLAGS)
            short -= took[i] == size
        given[0] = taken[0]
        return -1 - short
    return short


class Ring:
    """Sends to many sockets at once, for the thread that made it; OSError where that can not be here.

    A send that would have to wait is not waited for: it took nothing, or a part. `failed` says that the system
    stopped to take requests: what is sent from then on goes by one call each.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError("io_uring is Linux's")
        self.failed = False
        params = ctypes.create_string_buffer(_PARAMS.size)
        _PARAMS.pack_into(params, 0, 0, 0, _SUBMIT_ALL | _SINGLE_ISSUER | _DEFER_TASKRUN, *(0,) * 27)
        self._ring = _call(_SETUP, ENTRIES, ctypes.addressof(params))
        numbers = _PARAMS.unpack(params)
        entries, twice, ours, theirs = numbers[0], numbers[1], numbers[10:20], numbers[20:30]
        submissions = self._map(ours[6] + 4 * entries, _SUBMISSIONS)
        completions = self._map(theirs[5] + _CQE * twice, _COMPLETIONS)
        self._requests = np.frombuffer(self._map(_SQE * entries, _REQUESTS), np.int64).reshape(entries, 8)
        np.frombuffer(submissions, np.uint32, entries, ours[6])[:] = np.arange(entries)
        self._completions = np.frombuffer(completions, np.int64, 2 * twice, theirs[5]).reshape(twice, 2)
        places = (
            (submissions, ours[0]),
            (submissions, ours[1]),
            (completions, theirs[0]),
            (completions, theirs[1]),
        )
        self._taken, self._given, self._seen, self._done = (
            np.frombuffer(where, np.uint32, 1, at) for where, at in places
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send_to_all(self, descriptors: Ints, frame: bytes, took: Ints) -> int:
        """See `loop.send_to_all`."""
        if len(descriptors) <= ENTRIES:
            return self._send(descriptors, np.frombuffer(frame, np.uint8), took)
        parts = (slice(i, i + ENTRIES) for i in range(0, len(descriptors), ENTRIES))
        return sum(self.send_to_all(descriptors[part], frame, took[part]) for part in parts)

    def close(self) -> None:
        """Give it back. Idempotent."""
        ring, self._ring = self._ring, -1
        if ring >= 0:
            os.close(ring)

    def _send(self, descriptors: Ints, frame: Bytes, took: Ints) -> int:
        # arrays one by one: of a tuple of them numba asks the types anew at each call
        requests = self._requests, self._taken, self._given
        completions = self._completions, self._seen, self._done
        short = _send_by_ring(self._ring, *requests, *completions, descriptors, frame, took)
        if short < 0:
            self.failed, short = True, -1 - short
        return short

    def _map(self, size: int, where: int) -> mmap.mmap:
        return mmap.mmap(self._ring, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=where)


def _call(number: int, *arguments: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    given = int(libc.syscall(ctypes.c_long(number), *(ctypes.c_long(one) for one in arguments)))
    if given < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return given
