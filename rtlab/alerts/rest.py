"""How often a rule may speak: one that begins and ends many times a second must not call somebody each time."""

from rtlab.alerts.rules import Said, is_number
from rtlab.errors import ConfigError


class Rest:
    """Lets through one alert in `rest_s` seconds; what comes in between is merged into the next, and counted.

    `merged` counts what was not told by itself. Times are in s, monotonic. 0 lets all through.
    ConfigError for what is no time.
    """

    def __init__(self, rest_s: float) -> None:
        if not is_number(rest_s) or not rest_s >= 0:
            raise ConfigError(
                "the caller's rest of an alert is no time", expected="seconds, 0 or more", got=rest_s
            )
        self.rest_s = rest_s
        self.merged = 0
        self._told_at: float | None = None
        self._waiting: Said | None = None
        self._times = 0

    def take(self, said: Said | None, now: float) -> Said | None:
        """Take what a rule says, or nothing; give what is to be told now. The newest is told when the rest is over."""
        if said is not None:
            self.merged += self._waiting is not None
            self._waiting, self._times = said, self._times + 1
        waiting = self._waiting
        if waiting is None or (self._told_at is not None and now - self._told_at < self.rest_s):
            return None
        times, since = self._times, self._told_at
        self._told_at, self._waiting, self._times = now, None, 0
        if times == 1 or since is None:
            return waiting
        return waiting._replace(text=f"{waiting.text}, {times} times in {now - since:.0f} s")

    def over(self, now: float) -> Said | None:
        """End the rest, for good: give what waits for it."""
        self.rest_s = 0.0
        return self.take(None, now)
