"""Processes of tests: started with a pipe that they watch, bounded in time, stopped by their own pid."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

SERVER = Path(__file__).with_name("feed_server.py")


class ServerProcess:
    """`feed_server.py` with the given settings; `start` may be called again after `kill`, on the same port."""

    def __init__(self, *, seed: int, rate: float = 5000, port: int = 0) -> None:
        self.seed, self.rate, self.port = seed, rate, port
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, epoch: int, deadline_s: float = 60.0) -> None:
        """Start it and wait until it serves. The stream's seed is `seed + epoch`."""
        settings = {"port": self.port, "epoch": epoch, "seed": self.seed + epoch, "rate": self.rate}
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SERVER.parents[2])},
        )
        self.port = json.loads(self._line(deadline_s))["port"]

    def kill(self) -> None:
        """SIGKILL it, as a power cut would; does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()

    def _line(self, deadline_s: float) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        end = time.monotonic() + deadline_s
        while not select.select([self._process.stdout], [], [], 0.1)[0]:
            if time.monotonic() > end or self._process.poll() is not None:
                self.kill()
                raise AssertionError("the server process did not come up")
        return self._process.stdout.readline()
