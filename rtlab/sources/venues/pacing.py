"""How often a venue may be called: a distance between two calls, and tries that come ever later."""

import asyncio
import random
import time

FIRST_S, CAP_S = 0.25, 30.0


class Pace:
    """Lets one pass every `every_s`, in the order in which they came."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.waited = 0
        self._next_at = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        now = time.monotonic()
        at = max(now, self._next_at)
        self._next_at = at + self.every_s
        if at > now:
            self.waited += 1
            await asyncio.sleep(at - now)


class Tries:
    """When to connect again: after a random part of FIRST_S doubled each time, up to CAP_S (full jitter)."""

    def __init__(self, *, seed: int | None = None) -> None:
        self.count = 0
        self._random = random.Random(seed)

    def delay_s(self, at_least_s: float = 0.0) -> float:
        """Give the seconds to wait now: what the venue asks for, and a random time on top."""
        most = min(CAP_S, FIRST_S * 2.0 ** min(self.count, 16))
        self.count += 1
        return at_least_s + self._random.uniform(0.0, most)

    def reset(self) -> None:
        """The venue answers: begin from the shortest again."""
        self.count = 0
