"""Play time-stamped chunks at the speed that was asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from rtlab.errors import ConfigError

T = TypeVar("T")


def check_speed(speed: float | None) -> float | None:
    """Give the speed of a replay (None: as fast as possible); ConfigError when it is none."""
    if speed is not None and not speed > 0:
        raise ConfigError("the speed of a replay must be above 0", got=speed)
    return speed


async def play(
    chunks: Iterable[tuple[int, T]],
    act: Callable[[T], Awaitable[None] | None],
    *,
    speed: float | None = 1.0,
    most_behind_s: float = 1.0,
    began: float | None = None,
) -> float:
    """Call (and await) `act` with each chunk of (ts in ns, chunk) when its time has come; give what slipped, in s.

    `speed` 1.0 is as recorded, 10.0 ten times faster, None as fast as possible. One that falls behind by more
    than `most_behind_s` (a machine that slept, a source that is too fast for it) does not rush after the clock:
    the rest is played later by as much, and that is what slipped. `began` is when (s, monotonic) the first ts
    was due; None: when it is there, however long that took.
    """
    check_speed(speed)
    begin: float | None = None  # when `first` is due
    first = 0
    slipped = 0.0
    for ts, chunk in chunks:
        if begin is None:
            first, begin = ts, time.monotonic() if began is None else began
        ahead = 0.0 if speed is None else begin + (ts - first) / 1e9 / speed - time.monotonic()
        if ahead < -most_behind_s:
            begin -= ahead
            slipped -= ahead
        await asyncio.sleep(max(0.0, ahead))
        if (answer := act(chunk)) is not None:
            await answer
    return slipped
