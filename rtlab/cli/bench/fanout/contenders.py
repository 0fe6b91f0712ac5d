"""The contenders as the bench holds them: where they listen, what a window cost, what memory they take."""

import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, Protocol

from rtlab.cli.bench.children import Child, Work
from rtlab.cli.bench.crowd.building import binary
from rtlab.cli.bench.fanout.ours import serve_rtlab
from rtlab.cli.bench.fanout.peers import serve_aiohttp, serve_picows, serve_websockets
from rtlab.cli.bench.fanout.serving import Spent, Window, resident_bytes
from rtlab.cli.bench.fanout.ticks import TOGETHER, make_ticks
from rtlab.errors import LocalError
from rtlab.feed.frames import websocket_frame

OURS, RAW, BROADCAST, PICOWS, AIOHTTP = (
    "rtlab",
    "send(2) in C",
    "websockets broadcast",
    "picows",
    "aiohttp",
)
_PEERS: dict[str, tuple[Work, str]] = {
    BROADCAST: (serve_websockets, "websockets"),
    PICOWS: (serve_picows, "picows"),
    AIOHTTP: (serve_aiohttp, "aiohttp"),
}


class Contender(Protocol):
    """A server that is up; `label` is its name with its version."""

    label: str
    port: int

    def measure(self, window: Window) -> Spent:
        """Let it send, and give what that cost."""

    def resident(self) -> int:
        """Give its resident bytes."""


class InPython:
    """A contender in a Child."""

    def __init__(self, child: Child, label: str) -> None:
        self._child, self.label = child, label
        self.port: int = child.receive()

    def measure(self, window: Window) -> Spent:
        """See Contender."""
        self._child.send(window)
        spent: Spent = self._child.receive()
        return spent

    def resident(self) -> int:
        """See Contender."""
        self._child.send("memory")
        return int(self._child.receive())


class Raw:
    """The C program that only sends: of ten increments ten frames each."""

    label = RAW

    def __init__(self, program: Path, payloads: Sequence[bytes], core: int | None) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True, bufsize=1)
        if core is not None and sys.platform == "linux":
            os.sched_setaffinity(self._process.pid, {core})
        self.port = int(self._hear())
        with tempfile.NamedTemporaryFile() as file:
            for payload in payloads:
                frame = websocket_frame(payload, text=False)
                file.write(struct.pack("=I", len(frame)) + frame)
            file.flush()
            self._say(f"frames {file.name}")
            self._hear()

    def measure(self, window: Window) -> Spent:
        """See Contender."""
        self._say(f"window {window.rate} {window.seconds} {TOGETHER if window.together else 1}")
        cpu_s, ticks, _, _ = self._hear().split()
        return Spent(float(cpu_s), 0.0, int(ticks))

    def resident(self) -> int:
        """See Contender."""
        return resident_bytes(self._process.pid)

    def close(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()

    def _say(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Field(NamedTuple):
    """Who is there, by plain name, and why the others are not, by label."""

    present: dict[str, Contender]
    absent: dict[str, str]


@contextmanager
def contenders(ticks: int, core: int | None, names: Sequence[str]) -> Iterator[Field]:
    """Start those of `names` that this machine has, each in a process of its own on `core`."""
    field = Field({}, {})
    payloads = make_ticks(ticks).payloads
    with ExitStack() as stack:
        children: dict[str, tuple[Child, str]] = {}  # they start side by side
        for name in names:
            if name == OURS:
                children[name] = stack.enter_context(Child(serve_rtlab, ticks, core)), name
            elif name in _PEERS:
                work, package = _PEERS[name]
                try:
                    label = f"{name} {version(package)}"
                except PackageNotFoundError:
                    field.absent[name] = "not installed: pip install 'rtlab[bench]'"
                else:
                    children[name] = stack.enter_context(Child(work, payloads, core)), label
        for name in names:
            if name in children:
                field.present[name] = InPython(*children[name])
            elif name == RAW:
                try:
                    raw = Raw(binary("raw", [Path(__file__).parent / "raw.c"]), payloads, core)
                except LocalError as missing:
                    field.absent[name] = str(missing)
                else:
                    stack.callback(raw.close)
                    field.present[name] = raw
        yield field
