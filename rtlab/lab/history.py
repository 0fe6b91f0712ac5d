"""What a lab records and remembers: a recorder as a process of its own, and the store that it fills."""

import asyncio
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

from rtlab.lab.loop import LabLoop, runs_here
from rtlab.lab.notes import Note, add_note
from rtlab.lab.process import ServerProcess
from rtlab.store import Store

START_S = 60.0


class Recording:
    """A recorder of the lab's feed. It ends with the lab, with this process, or at `close`; what it kept stays.

    `await recording` waits until it records, where an event loop runs; elsewhere it does so from the beginning.
    """

    def __init__(self, loop: LabLoop, feed: str, folder: Path | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rtlab-store-")) if folder is None else Path(folder)
        self._loop = loop
        self._process = ServerProcess([str(self.folder), "--url", feed], command="record")
        self._starting: Future[str] = loop.start(self._process.start())
        self._store: Store | None = None
        if not runs_here():
            self._starting.result(START_S)

    @property
    def pid(self) -> int | None:
        """The recorder's process id."""
        return self._process.pid

    @property
    def store(self) -> Store:
        """What is kept so far, hot and cold."""
        if self._store is None:
            self._store = Store(self.folder, redis_url=self._starting.result(START_S))
        return self._store

    def note(self, text: str, *, symbol: str = "", by: str = "") -> None:
        """Write on the session at this moment; who replays it is told then, and the report shows it."""
        add_note(self.folder, Note(time.time_ns(), text, symbol, by))

    async def ready(self) -> Self:
        """Wait until it records; errors as those of `rtlab record`."""
        await asyncio.wrap_future(self._starting)
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.ready().__await__()

    def __repr__(self) -> str:
        state = "recording into" if self._process.pid is not None else "recorded into"
        return f"<Recording, {state} {self.folder}>"

    async def end(self) -> None:
        """Let the recorder make safe what it has, and wait for it."""
        if self._store is not None:
            self._store.close()
            self._store = None
        await self._process.close()

    def close(self) -> None:
        """Do what `end` does. Idempotent."""
        self._loop.wait(self.end(), 30.0)
