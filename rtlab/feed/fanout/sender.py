"""The best way of this machine to send one frame to many sockets."""

import contextlib

import numpy as np

from rtlab.compiling import announce
from rtlab.feed.fanout.loop import Ints, is_possible, send_to_all
from rtlab.feed.fanout.ring import Ring

FEW = 8
"""From so many sockets on one call for all is cheaper."""


class Sender:
    """Sends for the thread that made it: by a ring where there is one, else by one call for each socket."""

    def __init__(self) -> None:
        self._ring: Ring | None = None
        # an older system, or one that forbids it: the other way is as good, and a tenth slower
        with contextlib.suppress(OSError):
            self._ring = Ring()

    @property
    def way(self) -> str:
        """Give the name of the system call that is used."""
        return "send" if self._ring is None or self._ring.failed else "io_uring"

    def send_to_all(self, descriptors: Ints, frame: bytes, took: Ints) -> int:
        """See `loop.send_to_all`."""
        if len(descriptors) < FEW or self._ring is None or self._ring.failed:
            return send_to_all(descriptors, frame, took)
        return self._ring.send_to_all(descriptors, frame, took)

    def close(self) -> None:
        """Give back what the system keeps for it. Idempotent."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()


def warm_up() -> None:
    """Compile what sends, or load it from disk; says so where it takes a while."""
    if is_possible():
        with announce("the fan-out"):
            none = np.zeros(0, np.int64)
            send_to_all(none, b"\0", none)
            with (
                contextlib.suppress(OSError),
                Ring() as ring,
            ):  # not by a Sender, which sends to few without it
                ring.send_to_all(none, b"\0", none)
