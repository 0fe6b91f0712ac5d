"""A bounded queue of what was applied, for `async for`: the oldest is dropped when it is full, and counted."""

import asyncio
from collections import deque
from typing import Self

from rtlab.protocol import Applied

LIMIT = 1024


class Inbox:
    """What one `async for` has still to see. At most `limit`; then the oldest goes, and `dropped` counts it.

    Only the notice is dropped: the views were changed before it was put here.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.dropped = 0
        self._waiting: deque[Applied] = deque(maxlen=limit)
        self._news = asyncio.Event()
        self._ended = False
        self._problem: BaseException | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, applied: Applied) -> bool:
        """Add one; give False when that pushed the oldest out."""
        full = len(self._waiting) == self._waiting.maxlen
        self.dropped += full
        self._waiting.append(applied)
        self._news.set()
        return not full

    def finish(self, problem: BaseException | None = None) -> None:
        """Let the iteration end, or raise `problem`, after what is waiting has been seen."""
        self._ended, self._problem = True, problem
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Applied:
        while not self._waiting:
            if self._ended:
                raise self._problem or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()
