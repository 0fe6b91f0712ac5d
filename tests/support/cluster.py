"""A cluster of real processes on this machine: Redis, a scheduler and workers, each of which may be killed."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

from distributed import Client

from rtlab.embedded import EmbeddedServer

TTL_S = 2.0
SETTINGS = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1000000",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{TTL_S}s",
    "DASK_DISTRIBUTED__ADMIN__EVENT_LOOP": "asyncio",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "2s",
    "PYTHONPATH": "tests",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """`with Cluster(workers=2) as cluster`: `url` is of its Redis, `client` its Dask client."""

    def __init__(self, workers: int) -> None:
        self._wanted, self._redis = workers, EmbeddedServer()
        self.url = ""
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.client: Client | None = None
        self.port = free_port()
        self._out = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the cluster

    def __enter__(self) -> "Cluster":
        self.url = self._redis.start()
        self.begin()
        return self

    def __exit__(self, *problem: object) -> None:
        self.end()
        self._redis.close()
        self._out.close()

    @property
    def said(self) -> str:
        """What its processes have printed."""
        self._out.seek(0)
        return self._out.read().decode(errors="replace")

    @property
    def redis_pid(self) -> int:
        return self._redis.pid

    def begin(self) -> None:
        """Start a scheduler and its workers, and a client."""
        self.begin_scheduler()
        for _ in range(self._wanted):
            self.add_worker()
        address = f"tcp://127.0.0.1:{self.port}"
        self.client = Client(address, timeout=30, set_as_default=False, heartbeat_interval="500ms")
        self.client.wait_for_workers(self._wanted, timeout=60)

    def begin_scheduler(self) -> None:
        """Start a scheduler at the address of the cluster."""
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"]
        self.scheduler = self._run("scheduler", *arguments)

    def add_worker(self) -> str:
        """Start one more worker; give its address."""
        port = free_port()
        where = f"tcp://127.0.0.1:{port}"
        arguments = [
            "--no-nanny",
            "--no-dashboard",
            "--nthreads",
            "4",
            "--memory-limit",
            "0",
            "--preload",
            "rtlab.pipelines.cluster.warming",
        ]
        self.workers[where] = self._run(
            "worker",
            f"tcp://127.0.0.1:{self.port}",
            "--worker-port",
            str(port),
            "--host",
            "127.0.0.1",
            *arguments,
        )
        return where

    def kill(self, worker: str) -> None:
        """SIGKILL a worker, and see that it is gone."""
        process = self.workers.pop(worker)
        process.kill()
        process.wait(10)

    def stop(self, worker: str) -> None:
        self.workers[worker].send_signal(signal.SIGSTOP)

    def go_on(self, worker: str) -> None:
        self.workers[worker].send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End the scheduler and all workers, whatever state they are in."""
        if self.client is not None:
            with suppress(Exception):
                self.client.close(timeout=2)
        for process in [*self.workers.values(), *([self.scheduler] if self.scheduler else [])]:
            process.kill()
            process.wait(10)
        self.workers.clear()
        self.scheduler = self.client = None

    def kill_scheduler(self) -> None:
        """SIGKILL the scheduler, and see that it is gone. Workers that hold shards, and the client, stay."""
        self.scheduler.kill()
        self.scheduler.wait(10)

    def replace_ended(self) -> None:
        """Start a worker for each that has ended by itself, and wait for all."""
        for worker in [where for where, process in self.workers.items() if process.poll() is not None]:
            del self.workers[worker]
            self.add_worker()
        self.client.wait_for_workers(self._wanted, timeout=60)

    def _run(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env=os.environ | SETTINGS,
            stdout=self._out,
            stderr=subprocess.STDOUT,
        )


def wait(condition, seconds: float = 30.0) -> float:
    """Wait until `condition()` holds; give how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.005)
    return time.monotonic() - began
