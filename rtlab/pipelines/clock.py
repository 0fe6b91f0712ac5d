"""The frame clock: when the next frame is due. It reads no time, it is told."""

import math

from rtlab.errors import ConfigError


class FrameClock:
    """Ticks at most `hz` times a second, on a grid that does not drift.

    What comes after a pause goes out at once; under load frames keep the grid, and a tick that was missed is
    not made up for. Times are seconds of any monotonic clock.
    """

    def __init__(self, hz: float = 30) -> None:
        if not (math.isfinite(hz) and 0 < hz <= 1000):
            raise ConfigError(
                "a frame clock's rate is out of range", expected="above 0, at most 1000 Hz", got=hz
            )
        self.period_s = 1 / hz
        self._due = -math.inf

    def wait(self, now: float) -> float:
        """Give the seconds from `now` until a frame is due; 0 when it is."""
        return max(0.0, self._due - now)

    def tick(self, now: float) -> None:
        """Note that a frame goes out `now`."""
        following = self._due + self.period_s
        self._due = following if following > now else now + self.period_s
