"""Flow: what stands between a fast stream and what takes it slowly. Everything is bounded and counted."""

import asyncio
from typing import Any

from rtlab.errors import ConfigError, FullError, LocalError
from rtlab.pipelines.delivering import Delivering
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.loop import running_loop
from rtlab.pipelines.stream import FrameStream, Metadata, Pending, register

POLICIES = ("oldest", "newest", "refuse")
LARGEST = 100_000


class buffer(Delivering):
    """Keep up to `limit` values while the functions below are busy, and give them one by one, in order.

    When it is full, `policy` says what goes: the `oldest` value that waits, the `newest` (the one that comes), or
    `refuse`: the value is a failure of this node, told as any other. `dropped` counts them. For a branch that
    only needs the newest value, `conflate` is the better one.
    """

    def __init__(self, upstream: FrameStream, limit: int, policy: str = "oldest", **settings: Any) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST:
            raise ConfigError("a buffer needs a bound", expected=f"1 to {LARGEST:,} values", got=limit)
        if policy not in POLICIES:
            raise ConfigError("a buffer's policy is unknown", expected=" or ".join(POLICIES), got=policy)
        self.limit, self.policy, self.dropped = limit, policy, 0
        super().__init__(upstream, **settings)

    @property
    def waiting(self) -> int:
        """Values that wait now."""
        return len(self._waiting)

    def _has_room(self) -> bool:
        if len(self._waiting) < self.limit:
            return True
        self.dropped += 1
        if self.policy == "refuse":
            raise FullError(f"a buffer of {self.limit} values is full", expected="a faster function below")
        if self.policy == "oldest":
            self._let_oldest_go()
        return self.policy == "oldest"


FrameStream.register_api(attribute_name="buffer")(
    buffer
)  # in place of streamz's, whose bound may be infinite


@register
class throttle(FrameStream):
    """Pass at most one value every `interval` of real time: the newest. The last one is always delivered.

    `merged` counts those that a newer one replaced. Needs a running event loop.
    """

    def __init__(self, upstream: FrameStream, interval: str | int, **settings: Any) -> None:
        self.interval_s, self.merged = interval_ns(interval) / 1e9, 0
        self._held: list[tuple[object, Metadata]] = []
        self._pause: asyncio.TimerHandle | None = None
        super().__init__(upstream, **settings)

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Pass `x` on now, or keep it until the interval is over."""
        if self._pause is None:
            self._begin_pause()
            return self._emit(x, metadata)
        self._retain_refs(metadata or [])
        self.merged += len(self._held)
        self._let_go()
        self._held = [(x, metadata or [])]
        return []

    def destroy(self, streams: list[FrameStream] | None = None) -> None:
        """Leave the graph; what is held is let go."""
        self._let_go()
        if self._pause is not None:
            self._pause.cancel()
        super().destroy(streams)

    def _begin_pause(self) -> None:
        loop = running_loop()
        if loop is None:
            raise LocalError("throttle needs a running event loop", got="none")
        self._pause = loop.call_later(self.interval_s, self._paused)

    def _paused(self) -> None:
        self._pause = None
        if self._held and not self.closed:
            x, metadata = self._held.pop()
            self._begin_pause()
            pending = self._emit(x, metadata)
            if pending:
                self.settle_soon(pending, lambda: self._release_refs(metadata))
            else:
                self._release_refs(metadata)

    def _let_go(self) -> None:
        while self._held:
            self._release_refs(self._held.pop()[1])
