"""Processes of a benchmark: each has a pipe to its owner, ends with it, and is stopped by its own pid."""

import asyncio
import contextlib
import multiprocessing
import os
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from rtlab.errors import UnreachableError

DEADLINE_S = 120.0

Work = Callable[..., Coroutine[Any, Any, None]]


class Child:
    """A process that runs the coroutine function `work(owner, *arguments)`; it is killed when its owner leaves."""

    def __init__(self, work: Work, *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, work, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(10)

    def send(self, word: object) -> None:
        """Tell the child something."""
        self._pipe.send(word)

    def receive(self, deadline_s: float = DEADLINE_S) -> Any:
        """Wait for what the child says; UnreachableError when it says nothing or has ended."""
        if not self._pipe.poll(deadline_s):
            raise UnreachableError(f"the benchmark's process {self._process.name} is silent")
        try:
            return self._pipe.recv()
        except EOFError:
            raise UnreachableError(f"the benchmark's process {self._process.name} has ended") from None


class Owner:
    """The child's end of the pipe, on its event loop. When the owner is gone, the child's work is cancelled."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._words: asyncio.Queue[Any] = asyncio.Queue()
        self._work = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(pipe.fileno(), self._read)
        os.set_blocking(pipe.fileno(), True)  # uvloop made it non-blocking, which large words do not survive

    def _read(self) -> None:
        try:
            self._words.put_nowait(self._pipe.recv())
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            if self._work is not None:
                self._work.cancel()

    def send(self, word: object) -> None:
        """Tell the owner something."""
        self._pipe.send(word)

    async def receive(self) -> Any:
        """Wait for what the owner says."""
        return await self._words.get()


def _run(pipe: Connection, work: Work, *arguments: object) -> None:
    async def main() -> None:
        await work(Owner(pipe), *arguments)

    try:
        import uvloop
    except ImportError:  # Windows, or a platform without a wheel
        runner = asyncio.run
    else:
        runner = uvloop.run
    with contextlib.suppress(asyncio.CancelledError):
        runner(main())
