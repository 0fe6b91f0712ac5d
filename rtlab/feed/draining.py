"""The end of a gateway that has readers: they are sent away a few at a time, each with a time of its own to return."""

import asyncio
import math
import random
import time
from collections.abc import Iterable
from typing import Protocol

from rtlab.feed.admission import Admission
from rtlab.protocol import Code
from rtlab.protocol.limits import ns

STEP_S = 0.05
FEWEST = 20  # readers a step: a small crowd does not wait for the deadline
RETURNS_PER_S = 1000  # the pace at which they may come back
RESTART_S = 0.2  # what the next server takes at least


class Reader(Protocol):
    """A socket that can be closed."""

    def shut(self, code: int, reason: str) -> None:
        """Close it without waiting."""


class Crowd(Protocol):
    """What is drained: who is there, and the door."""

    admission: Admission

    @property
    def connections(self) -> Iterable[Reader]:
        """Give every socket that is there."""


async def send_away(crowd: Crowd, seconds: float, *, chance: random.Random | None = None) -> None:
    """Close everybody of `crowd` with 1012 and a hint, in steps over `seconds` at most; nobody else is let in.

    The hint is what is left of the drain, then a part of the time in which all come back at RETURNS_PER_S, at
    random, so that the next server is not met by all of them at once.
    """
    chance = chance or random.Random()
    readers = list(crowd.connections)
    chance.shuffle(readers)
    at_once = max(FEWEST, math.ceil(len(readers) * STEP_S / max(seconds, STEP_S)))
    left_s = len(readers) // at_once * STEP_S
    spread_s = max(STEP_S, len(readers) / RETURNS_PER_S)
    crowd.admission.draining_until = time.monotonic_ns() + ns(left_s)
    while readers:
        for reader in readers[:at_once]:
            hint = left_s + RESTART_S + chance.uniform(0, spread_s)
            reader.shut(int(Code.RESTARTING), f"the server is restarting; retry in {hint:.2f} s")
        del readers[:at_once]
        left_s = max(0.0, left_s - STEP_S)
        if readers:
            await asyncio.sleep(STEP_S)
