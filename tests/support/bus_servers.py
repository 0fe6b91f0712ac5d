"""A real Redis for the bus's tests, which is killed by its pid and started again on the same folder."""

import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from rtlab.embedded import EmbeddedServer


class RedisServer:
    """`with RedisServer(folder) as server`; its writes are on disk before they are answered."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedServer(folder, sync="always")
        self.url, self.kills = "", 0

    def __enter__(self) -> Self:
        self.url = self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def restart(self) -> None:
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.close()
        self._server.start()
        self.kills += 1
