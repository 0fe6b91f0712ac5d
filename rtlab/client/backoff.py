"""When to try again: soon at first, then ever later, never all readers at once, never sooner than asked."""

import random
import re

FIRST_S = 0.1
CAP_S = 5.0

_HINT = re.compile(r"retry in (\d+(?:\.\d+)?) ?s")


def retry_hint_s(reason: str) -> float | None:
    """Find the server's "retry in N s" in the `reason` of a close or a refusal; None when it gave none."""
    found = _HINT.search(reason)
    return float(found[1]) if found else None


class Backoff:
    """Full jitter: each next try after a random part of `FIRST_S` doubled each time, up to `CAP_S`.

    All readers of a gateway lose it at one moment. Spread over the whole of the time and not only around its end,
    their tries come evenly (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """

    def __init__(self, *, seed: int | None = None) -> None:
        self.tries = 0
        self._random = random.Random(seed)

    def delay_s(self, hint_s: float | None = None) -> float:
        """Give the seconds to wait now. A `hint_s` of the server comes first; the jitter (at least as wide) on top."""
        most = min(CAP_S, FIRST_S * 2.0 ** min(self.tries, 16))
        self.tries += 1
        if hint_s is None:
            return self._random.uniform(0.0, most)
        return hint_s + self._random.uniform(0.0, max(hint_s, most))

    def part_of(self, seconds: float) -> float:
        """Give a random part of `seconds`."""
        return self._random.uniform(0.0, seconds)

    def reset(self) -> None:
        """Begin from the shortest delay again: the server answers."""
        self.tries = 0
