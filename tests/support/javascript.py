"""The reader in JavaScript (reader.mjs), as a process of its own."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.recorded import missing

PROGRAM = Path(__file__).with_name("reader.mjs")


def node() -> str:
    """Give the path of Node; without one the test is skipped."""
    path = shutil.which("node") or shutil.which("nodejs")
    if path is None:
        missing("no node on the PATH (Debian: apt-get install nodejs)")
    return path


class JavaScriptReader:
    """Reads `wishes` (Channels as in JSON) from `url`; `say` gives it a word, `show` what it holds and counted.

    It speaks rtlab.v1.json, or rtlab.v1.packed.
    """

    def __init__(self, url: str, wishes: Sequence[dict[str, object]], *, packed: bool = False) -> None:
        self.url, self.wishes, self.packed = url, list(wishes), packed

    async def __aenter__(self) -> Self:
        arguments = [node(), str(PROGRAM), self.url, json.dumps(self.wishes)]
        arguments += ["packed"] if self.packed else []
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *arguments, stdin=pipe, stdout=pipe, limit=1 << 22
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    async def show(self) -> Any:
        assert self._process.stdout is not None
        self.say("show")
        line = await asyncio.wait_for(self._process.stdout.readline(), 20)
        assert line, "the reader has ended: see its standard error"
        return json.loads(line)
