"""Engine and gateways as processes of their own around one Redis; each can be killed and started again."""

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

ENGINE = Path(__file__).with_name("engine_server.py")


class Part:
    """One process that says a line of JSON on standard output when it is ready."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ENGINE.parents[2])},
        )
        assert self._process.stdout is not None
        end = time.monotonic() + 60
        while not select.select([self._process.stdout], [], [], 0.1)[0]:
            if time.monotonic() > end or self._process.poll() is not None:
                self.kill()
                raise AssertionError("the process did not come up")
        self.told: dict[str, object] = json.loads(self._process.stdout.readline())

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL it; does nothing when it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Scaled:
    """One engine and two gateways at one port; the stream of an epoch has the seed `seed + epoch`.

    An engine with a journal always goes on with the stream `seed`, in the epoch that it says.
    """

    def __init__(self, redis: str, *, seed: int, rate: float, journal: Path | None = None) -> None:
        self.redis, self.seed, self.rate, self.journal = redis, seed, rate, journal
        self.epoch, self.port = 0, 0
        self.engine: Part | None = None
        self.gateways: list[Part] = []

    def __enter__(self) -> Self:
        self.start_engine()
        self.start_gateway()
        self.start_gateway()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in (self.engine, *self.gateways):
            if part is not None:
                part.kill()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start_engine(self) -> None:
        if self.journal is not None:
            journaled = {
                "redis": self.redis,
                "journal": str(self.journal),
                "seed": self.seed,
                "rate": self.rate,
            }
            self.engine = Part(str(ENGINE), json.dumps(journaled))
            self.epoch = int(str(self.engine.told["epoch"]))
            return
        self.epoch += 1
        settings = {
            "redis": self.redis,
            "epoch": self.epoch,
            "seed": self.seed + self.epoch,
            "rate": self.rate,
        }
        self.engine = Part(str(ENGINE), json.dumps(settings))
        assert self.engine.told == {"epoch": self.epoch}

    def start_gateway(self) -> None:
        serve = ["serve", "--role", "gateway", "--owned", "--redis", self.redis, "--port", str(self.port)]
        gateway = Part("-m", "rtlab", *serve)
        self.port = int(str(gateway.told["url"]).rpartition(":")[2])
        self.gateways.append(gateway)
