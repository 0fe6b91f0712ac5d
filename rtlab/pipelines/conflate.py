"""`conflate`: a busy branch gets the newest value when it is ready again, and always the last one."""

import asyncio
from typing import Any

from rtlab.pipelines.stream import FrameStream, Metadata, Pending, register


@register
class conflate(FrameStream):
    """Pass values on; while the functions below are still busy with one, keep only the newest for them.

    Nothing above waits for what is below. streamz's own `latest` loses a value that comes while its sink is
    busy and is followed by none; here the last value is always delivered. `merged` counts those replaced.
    """

    def __init__(self, upstream: FrameStream, **kwargs: Any) -> None:
        self.merged = 0
        self._held: list[tuple[object, Metadata]] = []  # at most one: the newest
        self._delivery: asyncio.Task[None] | None = None
        super().__init__(upstream, **kwargs)  # the last step: from here on values come

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Deliver `x` now, or when what is below is ready, unless a newer one has come by then."""
        self._retain_refs(metadata or [])
        if self._delivery is None:
            self._deliver(x, metadata or [])
        else:
            self.merged += len(self._held)
            self._let_go()
            self._held = [(x, metadata or [])]
        return []

    def destroy(self, streams: list[FrameStream] | None = None) -> None:
        """Leave the graph; what is still being delivered is cancelled, what is held is let go."""
        self._let_go()
        if self._delivery is not None:
            self._delivery.cancel()
        super().destroy(streams)

    def _deliver(self, x: object, metadata: Metadata) -> None:
        pending = self._emit(x, metadata)
        if pending:
            self._delivery = self.settle_soon(pending, lambda: self._delivered(metadata))
        else:
            self._release_refs(metadata)

    def _delivered(self, metadata: Metadata) -> None:
        self._delivery = None
        self._release_refs(metadata)
        if self._held:
            self._deliver(*self._held.pop())

    def _let_go(self) -> None:
        while self._held:
            self._release_refs(self._held.pop()[1])
