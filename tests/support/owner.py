"""The owner of a benchmark's server, played by a test in the server's own loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


class PlayedOwner:
    """Has the two calls of `children.Owner`; `ask` gives the server a word and waits for its answer."""

    def __init__(self) -> None:
        self._words: asyncio.Queue[Any] = asyncio.Queue()
        self._told: asyncio.Queue[Any] = asyncio.Queue()

    def send(self, word: object) -> None:
        self._told.put_nowait(word)

    async def receive(self) -> Any:
        return await self._words.get()

    async def hear(self) -> Any:
        async with asyncio.timeout(30):
            return await self._told.get()

    async def ask(self, word: object) -> Any:
        self._words.put_nowait(word)
        return await self.hear()


@asynccontextmanager
async def serving(work: Callable[..., Any], *arguments: object) -> AsyncIterator[tuple[PlayedOwner, int]]:
    """Run a server's coroutine; gives its owner and the port that it told."""
    owner = PlayedOwner()
    task = asyncio.create_task(work(owner, *arguments))
    try:
        yield owner, await owner.hear()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
