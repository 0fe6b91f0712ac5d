"""Feed health: is what is on the screen live, and what happened to it on its way."""

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import param

from rtlab.errors import ConfigError
from rtlab.views.live import Face, LivePanel
from rtlab.views.theme import Colours

COUNTS = ("lagged", "degraded", "merged", "dropped", "gaps", "resyncs", "checksum_failures")
STATES = ("live", "lagging", "degraded", "connecting", "reconnecting", "frozen", "closed")
RECORDER = ("recorder_lag_s", "unrecorded")
FROZEN_AFTER_MS = 1500  # and a check every 250 ms: visible within 2 s
WINDOW_NS = 2_000_000_000
PERIOD_NS = 200_000_000


class HealthFace(Face):
    """The strip in the browser. Its own timer decides that the feed is frozen."""

    _esm = Path(__file__).with_name("health.js")

    frozen_after_ms = param.Integer()


class Rate:
    """Events per second over the last two seconds, from a total that only grows."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def __call__(self, total: int, now: int) -> float | None:
        """Give the rate at `now` (ns, monotonic); None before there are two totals to compare."""
        if self._seen and total < self._seen[-1][1]:
            self._seen.clear()  # counted anew
        self._seen.append((now, total))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_NS:
            self._seen.popleft()
        then, before = self._seen[0]
        return (total - before) * 1e9 / (now - then) if now > then else None


class FeedHealth(LivePanel):
    """The state of a feed in one strip.

    FROZEN shows when the newest message is older than 1.5 s, counted on by the browser itself: it also
    shows when this process has stopped.
    """

    def __init__(self, *, theme: str = "light") -> None:
        super().__init__(theme=theme)
        self._statistics: dict[str, object] = {}
        self._rate = Rate()
        self._face = HealthFace(
            self,
            Path(__file__).with_name("health.css").read_text("utf-8"),
            frozen_after_ms=FROZEN_AFTER_MS,
            sizing_mode="stretch_width",
        )

    @property
    def visual(self) -> Face:
        """The strip itself."""
        return self._face

    @property
    def state(self) -> str:
        """The state as it was last told, in lower case; "waiting" before the first update."""
        return str(self._statistics.get("state", "waiting"))

    def update(self, statistics: Mapping[str, object], *, now: int | None = None) -> None:
        """Show the newest statistics; what is missing shows as a dash, other names are left alone.

        `state` (live, lagging, degraded, connecting, reconnecting, frozen, closed), `staleness_ms` (age of
        the newest message), `lag_ms`, `messages` (a total, shown per second) and the totals `lagged`, `degraded`
        (how often it became so), `merged`, `dropped`, `gaps`, `resyncs`, `checksum_failures`. Where something is
        recorded: `recorder_lag_s`, and `unrecorded` entries that were given up. `now` is in ns, monotonic.
        ConfigError for another state.
        """
        state = str(statistics.get("state", "live")).lower()
        if state not in STATES:
            raise ConfigError("the feed's state is unknown", expected=", ".join(STATES), got=state)
        now = time.monotonic_ns() if now is None else now
        messages = statistics.get("messages")
        shown: dict[str, object] = {
            name: statistics.get(name) for name in ("lag_ms", "staleness_ms", *COUNTS, *RECORDER)
        }
        shown["messages_per_s"] = self._rate(messages, now) if isinstance(messages, int) else None
        shown["state"] = state
        self._statistics = shown
        self._mark(PERIOD_NS)

    def _appeared(self) -> None:
        if self._statistics:
            self._mark()

    def _draw(self) -> None:
        if self._statistics:
            self._face._send_msg(self._statistics)

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        told = {name: value for name, value in self._statistics.items() if value and name != "state"}
        return f"FeedHealth({self.state}{''.join(f', {name}={value}' for name, value in told.items())})"
