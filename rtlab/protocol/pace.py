"""A token bucket in one integer: so many a second, and a burst of some at once."""

from rtlab.protocol.limits import SECOND


class Pace:
    """Counts what comes against `per_s`, with `burst` of them at once; `now` is monotonic ns.

    The generic cell rate algorithm (ITU-T I.371): instead of filling a bucket it keeps the time at which the
    next one would be due if all came evenly. Who is `burst` ahead of that time is over the rate.
    """

    __slots__ = ("_due", "_early", "_step")

    def __init__(self, per_s: float, burst: float) -> None:
        self._step = max(1, round(SECOND / per_s))
        self._early = round(self._step * (burst - 1))
        self._due = 0

    def over(self, now: int) -> int:
        """Give how long (ns) the next one is too early; 0 when it may come now."""
        return max(0, self._due - self._early - now)

    def take(self, now: int) -> int:
        """Take one in where it may come now (0 is given); else give how long (ns) it is too early."""
        early = self.over(now)
        if not early:
            self._due = max(self._due, now) + self._step
        return early

    def book(self, now: int) -> int:
        """Take one in whenever it is due, and give how long (ns) from `now` that is; 0 is at once."""
        early = self.over(now)
        self._due = max(self._due, now) + self._step
        return early
