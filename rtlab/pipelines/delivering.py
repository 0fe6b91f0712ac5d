"""What gives its values one by one to functions below that may still be busy with the one before."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from rtlab.pipelines.stream import FrameStream, Metadata, Pending


class Delivering(FrameStream, ABC):
    """Passes a value on at once where nobody below is busy; what comes meanwhile `_waits`, if it has room."""

    def __init__(self, upstream: FrameStream, **settings: Any) -> None:
        self._waiting: deque[tuple[object, Metadata]] = deque()
        self._delivery: asyncio.Task[None] | None = None
        super().__init__(upstream, **settings)  # the last step: from here on values come

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Deliver `x` now, or when what is below is ready for it."""
        is_busy = self._delivery is not None
        if is_busy and not self._has_room():
            return []
        self._retain_refs(metadata or [])
        if is_busy:
            self._waiting.append((x, metadata or []))
        else:
            self._deliver(x, metadata or [])
        return []

    def destroy(self, streams: list[FrameStream] | None = None) -> None:
        """Leave the graph; what is still being delivered is cancelled, what waits is let go."""
        while self._waiting:
            self._let_oldest_go()
        if self._delivery is not None:
            self._delivery.cancel()
        super().destroy(streams)

    @abstractmethod
    def _has_room(self) -> bool:
        """Make room for one more value and count what that costs; False where the one that comes is left out."""

    def _let_oldest_go(self) -> None:
        self._release_refs(self._waiting.popleft()[1])

    def _deliver(self, x: object, metadata: Metadata) -> None:
        pending = self._emit(x, metadata)
        if pending:
            self._delivery = self.settle_soon(pending, lambda: self._delivered(metadata))
        else:
            self._release_refs(metadata)

    def _delivered(self, metadata: Metadata) -> None:
        self._delivery = None
        self._release_refs(metadata)
        while self._waiting and self._delivery is None:
            self._deliver(*self._waiting.popleft())
