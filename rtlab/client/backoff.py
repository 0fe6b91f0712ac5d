"""When to try again: fast at first, then ever slower, never all readers at once, never sooner than asked."""

import random
import re

FIRST_S = 0.05
CAP_S = 5.0

_HINT = re.compile(r"retry in (\d+(?:\.\d+)?) ?s")


def retry_hint_s(reason: str) -> float | None:
    """Find the server's "retry in N s" in the `reason` of a close; None when it gave none."""
    found = _HINT.search(reason)
    return float(found[1]) if found else None


class Backoff:
    """Delays before each next try: `FIRST_S` doubled each time up to `CAP_S`, times a random 0.5 to 1.5."""

    def __init__(self, *, seed: int | None = None) -> None:
        self.tries = 0
        self._random = random.Random(seed)

    def delay_s(self, hint_s: float | None = None) -> float:
        """Give the seconds to wait now; a `hint_s` of the server is never undercut, only spread by up to a half."""
        delay = min(CAP_S, FIRST_S * 2.0 ** min(self.tries, 16)) * self._random.uniform(0.5, 1.5)
        self.tries += 1
        if hint_s is None:
            return delay
        return max(delay, hint_s * self._random.uniform(1.0, 1.5))

    def reset(self) -> None:
        """Begin from the shortest delay again: the server answers."""
        self.tries = 0
