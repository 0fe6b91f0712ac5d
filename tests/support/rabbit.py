"""A real RabbitMQ on free ports, in a folder of its own, which is killed by its own pid and started again."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PROGRAM = next(
    (
        str(found)
        for name in ("rabbitmq-server",)
        for found in (*Path("/usr/lib/rabbitmq/bin").glob(name), shutil.which(name))
        if found
    ),
    None,
)
UP_S = 60.0
NAMES_S = 4.0
"""For less than this the server keeps the name of a new quorum queue in memory: killed before, it forgets the queue."""
CONFIG = """\
listeners.tcp.local = 127.0.0.1:{port}
loopback_users = none
default_user = guest
default_pass = guest
disk_free_limit.absolute = 1MB
vm_memory_high_watermark.absolute = 512MB
heartbeat = 2
log.console = false
"""


class RabbitServer:
    """One node. `with RabbitServer(folder) as server`; skips the test where the program is not installed."""

    def __init__(self, folder: Path, *, tcp: bool = True) -> None:
        if PROGRAM is None:
            pytest.skip("rabbitmq-server is not installed")
        self.folder, self.port, self.kills = folder, free_port(), 0
        self._name = f"rtlab{secrets.token_hex(6)}@localhost"
        self._distribution, self._mapper = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("home", "mnesia", "log", "config"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "config" / "rabbitmq.conf").write_text(CONFIG.format(port=self.port))
        (folder / "config" / "enabled_plugins").write_text("[].")

    def __enter__(self) -> Self:
        # its names are kept by a mapper of our own: the one that it would start outlives it
        self._names = subprocess.Popen(
            ["epmd", "-address", "127.0.0.1", "-port", str(self._mapper)], stdin=subprocess.DEVNULL
        )
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._names.kill()
        self._names.wait(10)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        folder = self.folder
        return {
            **os.environ,
            "HOME": str(folder / "home"),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "config" / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "config" / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "config" / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "config" / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        assert PROGRAM is not None
        with (self.folder / "log" / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [PROGRAM],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        end = time.monotonic() + UP_S
        while not _listens(self.port):
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL the node, with the shell that started it: a group of its own."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    def restart(self) -> None:
        """Kill it, and start it again on what it had on disk."""
        self.kill()
        self.kills += 1
        self.start()

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl`."""
        done = subprocess.run(
            ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", self._name, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def said(self) -> str:
        return (self.folder / "log" / "out").read_text()[-2000:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(probe.recv(8))
        except OSError:
            return False
