"""What a lab records and remembers: a recorder as a process of its own, and the store that it fills."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

from rtlab.errors import RtlabError
from rtlab.lab.loop import LabLoop, runs_here
from rtlab.lab.notes import Note, add_note
from rtlab.lab.process import ServerProcess
from rtlab.store import RecorderStatistics, Standing, Store
from rtlab.store.connection import Away, connect, stop
from rtlab.store.standing import EVERY_S, NOBODY, line_of, symbols_of

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
        self.standing = NOBODY
        self._watching: asyncio.Task[None] | None = None
        loop.start(self._watch_when_ready())
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

    def statistics(self) -> RecorderStatistics:
        """Count what it made safe, how far it is behind, and what was lost; at most a second old."""
        return self.standing.recorder or RecorderStatistics("starting", unrecorded=self.standing.unrecorded)

    async def _watch_when_ready(self) -> None:
        self._watching = asyncio.current_task()
        try:
            url = await asyncio.shield(asyncio.wrap_future(self._starting))
        except RtlabError:
            return  # who waits for the start is told
        redis = connect(url)
        try:
            while True:
                with contextlib.suppress(*Away):  # the recorder's own log tells
                    self.standing = await Standing.ask(redis, await symbols_of(redis))
                await asyncio.sleep(EVERY_S)
        finally:
            await redis.aclose()

    async def ready(self) -> Self:
        """Wait until it records; errors as those of `rtlab record`."""
        await asyncio.wrap_future(self._starting)
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.ready().__await__()

    def __repr__(self) -> str:
        if self._process.pid is None:
            return f"<Recording, recorded into {self.folder}>"
        return f"<Recording into {self.folder}, {line_of(self.statistics())}>"

    async def end(self) -> None:
        """Let the recorder make safe what it has, and wait for it."""
        if self._store is not None:
            self._store.close()
            self._store = None
        if self._watching is not None:
            await stop(self._watching)
        await self._process.close()

    def close(self) -> None:
        """Do what `end` does. Idempotent."""
        self._loop.wait(self.end(), 30.0)
