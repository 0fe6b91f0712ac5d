"""Many readers of one feed in a process of their own, on a core of their own: what a benchmark's server serves.

The process is a C program where a compiler is, else Python, which follows a few hundred readers.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from rtlab.cli.bench.crowd.building import binary
from rtlab.errors import LocalError, UnreachableError

HERE = Path(__file__).parent
SOURCES = tuple(HERE / name for name in ("readers.c", "session.c", "book.c"))
READY_S, ANSWER_S = 120.0, 60.0

Told = Mapping[str, Any]
"""A report: counters since the start, times since the report before; the names are those of `Tally` in readers.h."""


class Wish(NamedTuple):
    """What the readers do. `books` are the symbols that each follows; none: they read and throw away.

    `pace` is how many connect a second, at most `at_once` of them under way. With `reconnect` they come back
    and resume. `leave` and `stall` are how many a second do so once `churn` was called.
    """

    readers: int
    books: Sequence[str] = ()
    depth: int = 10
    host: str = "127.0.0.1"
    token: str | None = None
    pace: int = 5000
    at_once: int = 512
    reconnect: bool = False
    leave: float = 0.0
    stall: float = 0.0

    def options(self, port: int) -> list[str]:
        """Give the words of the program's command line."""
        numbers = ("readers", "depth", "host", "pace", "at_once", "leave", "stall")
        words = ["--port", str(port)]
        for name in numbers:
            words += [f"--{name.replace('_', '-')}", str(getattr(self, name))]
        words += [word for book in self.books for word in ("--book", book)]
        words += ["--token", self.token] if self.token else []
        return words + ["--reconnect"] * self.reconnect + ["--plain"] * (not self.books)


class Crowd:
    """Readers as `wish` says of the feed at `port`; `with Crowd(...) as crowd`. They end with this process.

    `why_python` is None when they are the C program, else the reason. `core` pins them.
    """

    def __init__(self, port: int, wish: Wish, *, core: int | None = None, python: bool = False) -> None:
        self.wish = wish
        self.why_python: str | None = "the caller's wish" if python else None
        command = [sys.executable, "-m", "rtlab.cli.bench.crowd.in_python"]
        if not python:
            try:
                command = [str(binary("readers", SOURCES))]
            except LocalError as missing:
                self.why_python = str(missing)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([*command, *wish.options(port)], stdin=pipe, stdout=pipe, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._text, self._heard = b"", dict[str, Told]()
        if core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, {core})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()  # the end of its input is its own end
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._output.close()

    @property
    def pid(self) -> int:
        """The readers' process."""
        return self._process.pid

    def ready(self, deadline_s: float = READY_S) -> float:
        """Wait until all readers are there and hold their books; give the seconds that took."""
        return float(self._hear("ready", deadline_s)["seconds"])

    def report(self) -> Told:
        """Give what the readers saw."""
        self._heard.pop("report", None)
        self._input.write(b"report\n")
        return self._hear("report", ANSWER_S)

    def churn(self) -> None:
        """Let readers leave, come and stall from now on."""
        if self.why_python is not None:
            raise LocalError("readers in Python do not churn", expected="the C program", got=self.why_python)
        self._input.write(b"churn\n")

    def _hear(self, event: str, deadline_s: float) -> Told:
        end = time.monotonic() + deadline_s
        while event not in self._heard:
            if not select.select([self._output], [], [], max(0.0, end - time.monotonic()))[0]:
                raise UnreachableError(f"the readers did not say {event!r} within {deadline_s:g} s")
            text = os.read(self._output.fileno(), 1 << 16)
            if not text:
                raise UnreachableError(f"the readers have ended with status {self._process.wait(5)}")
            *lines, self._text = (self._text + text).split(b"\n")
            for line in lines:
                told: Told = json.loads(line)
                self._heard[told["event"]] = told
        return self._heard[event]
