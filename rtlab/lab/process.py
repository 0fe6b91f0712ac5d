"""The server process of a demo: started here, and ended with its owner, however the owner ends."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence

from rtlab.errors import AddressError, UnreachableError

READY_TIMEOUT_S = 300.0  # the first start on a machine compiles the kernels: minutes, where others work


class ServerProcess:
    """`rtlab serve` (or another `command`) as a child. It reads our end of a pipe: when that closes it ends.

    That is so by SIGKILL as well. `environ` is added to our own environment.
    """

    def __init__(
        self,
        arguments: Sequence[str] = (),
        *,
        environ: Mapping[str, str] | None = None,
        command: str = "serve",
    ) -> None:
        self._command = command
        self._arguments, self._environ = list(arguments), {**os.environ, **(environ or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._relay: asyncio.Task[None] | None = None
        self.url = ""

    @property
    def pid(self) -> int | None:
        """The child's process id, None before it started."""
        return self._process.pid if self._process else None

    async def start(self) -> str:
        """Start the child and give its feed's address; AddressError or UnreachableError when it does not come up."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rtlab", self._command, "--owned", *self._arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environ,
            start_new_session=True,  # an interrupted cell or Ctrl-C is for the owner, who ends this one in order
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._last_line = ""
        self._relay = asyncio.create_task(self._show(self._process.stderr))
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), READY_TIMEOUT_S)
        except TimeoutError:
            await self.close()
            raise UnreachableError(
                f"the feed's process did not come up within {READY_TIMEOUT_S:.0f} s"
            ) from None
        if not line:
            await self.close()
            raise AddressError(
                f"the feed's process ended before it served: {self._last_line or 'no reason given'}"
            )
        self.url = str(json.loads(line)["url"])
        return self.url

    async def _show(self, stream: asyncio.StreamReader) -> None:
        # what the child says (that it compiles, a warning) belongs where its owner looks
        while line := await stream.readline():
            self._last_line = line.decode(errors="replace").rstrip().removeprefix("rtlab: ")
            print(line.decode(errors="replace").rstrip(), file=sys.stderr, flush=True)

    async def close(self) -> None:
        """Close the owner's end of the pipe, wait for the child, and kill it by its own pid if it does not end."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._relay is not None:
            await self._relay
