"""A real Redis for the bus's tests, which is killed by its pid and started again on the same folder."""

import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from support.rabbit import free_port

from rtlab.embedded import EmbeddedServer


class RedisServer:
    """`with RedisServer(folder) as server`; its writes are on disk before they are answered."""

    def __init__(self, folder: Path, *, tcp: bool = False) -> None:
        self._server = EmbeddedServer(folder, sync="always")
        self.url, self.kills, self._tcp, self.port = "", 0, tcp, 0

    def __enter__(self) -> Self:
        self.url = self._server.start()
        if self._tcp:  # for a line that goes through a proxy
            self.port = free_port()
            with Redis.from_url(self.url) as redis:
                redis.config_set("bind", "127.0.0.1")
                redis.config_set("protected-mode", "no")
                redis.config_set("port", self.port)
            self.url = f"redis://127.0.0.1:{self.port}"
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
