"""A TCP server that says what it is told to, and keeps what it hears."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Talker:
    """Accepts on a free port; `say` writes to the newest connection, `heard` is all that came."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended = 0
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def writer(self) -> asyncio.StreamWriter:
        assert self._writer is not None
        return self._writer

    @property
    def is_met(self) -> bool:
        return self._writer is not None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        task = asyncio.create_task(self._hear(reader))
        self._tasks.add(task)

        def end(_: asyncio.Task[None]) -> None:  # also of one that was cancelled before its first step
            self._tasks.discard(task)
            self.ended += 1
            writer.transport.abort()

        task.add_done_callback(end)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                self.heard += chunk
