"""`rtlab bench journal`: commands that are on the disk before they are done, beside the disk alone and SQLite.

All contenders write the same rows to the same file system, in turns, since a disk's rate changes from second to
second. An fsync on a file system in memory costs nothing: the cases name the file system.
"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rtlab.cli.bench.results import result
from rtlab.engine import Engine
from rtlab.engine.journal import Journal, JournaledEngine, read_journal, recovered
from rtlab.engine.journal.files import sync, write_at
from rtlab.engine.journal.framing import bytes_of
from rtlab.sources.flow import Commands
from rtlab.sources.simulated import Simulated, demo_instruments

WANTED_PER_S = 1_500_000
WANTED_SHARE = 1.0
"""Of the disk's own rate, with an fsync per command, where each makes the file longer: room made ahead spares that."""

_INSTRUMENTS = demo_instruments()
_SQLITE = f"SQLite {sqlite3.sqlite_version}, WAL, synchronous=FULL"
_ENGINE, _ALONE, _DISK = "rtlab", "rtlab, without the engine", "the disk: write and fsync"


class Size(NamedTuple):
    """How much is measured: runs, commands in each, and fsyncs at most."""

    runs: int
    commands: int
    syncs: int


def run(quick: bool) -> dict[str, object]:
    """Measure all contenders; give results and goals as `rtlab bench --json` prints them."""
    return measure(Size(3, 200_000, 200) if quick else Size(5, 1_000_000, 1_000))


def measure(size: Size) -> dict[str, object]:
    """Give the results of all contenders, and the goals."""
    commands = Simulated(_INSTRUMENTS, seed=1).batch(size.commands)
    Engine(_INSTRUMENTS)  # compiled before anything is measured
    results, goals = list[dict[str, object]](), list[dict[str, object]]()
    for batch in (1, 8, 1_000, 10_000):
        rates = _rates(commands[: min(len(commands), batch * size.syncs)], batch, size.runs)
        for contender, numbers in rates.items():
            results.append(result("throughput", contender, _case(batch), "commands/s", numbers))
        if batch == 1:
            shares = [ours / disk for ours, disk in zip(rates[_ALONE], rates[_DISK], strict=True)]
            goals.append(
                _goal(
                    "an fsync per command, without the engine: share of the disk's own rate",
                    median(shares),
                    WANTED_SHARE,
                    "",
                )
            )
        if batch == 1_000:
            goals.append(_goal("an fsync per 1,000", median(rates[_ENGINE]), WANTED_PER_S, "commands/s"))
    results += _recovery(commands, size.runs)
    return {"results": results, "goals": goals}


def _rates(commands: Commands, batch: int, runs: int) -> dict[str, list[float]]:
    contenders: dict[str, Callable[[Path, Commands, int], float]] = {
        _ENGINE: _journaled,
        _ALONE: _alone,
        _DISK: _disk,
        _SQLITE: _sqlite,
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, contender in contenders.items():
            with tempfile.TemporaryDirectory(prefix="rtlab-bench-") as folder:
                rates[name].append(len(commands) / contender(Path(folder), commands, batch))
    return rates


def _new() -> tuple[bytes, bytes]:
    return Engine(_INSTRUMENTS).snapshot(), b""


def _journaled(folder: Path, commands: Commands, batch: int) -> float:
    with JournaledEngine(folder / "journal", lambda: Engine(_INSTRUMENTS)) as engine:
        return _seconds(engine.process, commands, batch)


def _alone(folder: Path, commands: Commands, batch: int) -> float:
    with Journal(folder / "journal", _new) as journal:
        return _seconds(journal.append, commands, batch)


def _disk(folder: Path, commands: Commands, batch: int) -> float:
    with open(folder / "file", "wb", buffering=0) as file:
        end = 0

        def append(rows: Commands) -> None:
            nonlocal end
            end = write_at(file.fileno(), [bytes_of(rows)], end)
            sync(file.fileno())

        return _seconds(append, commands, batch)


def _sqlite(folder: Path, commands: Commands, batch: int) -> float:
    connection = sqlite3.connect(folder / "commands.db", isolation_level=None)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("create table command (number integer primary key, row blob)")

        def append(rows: Commands) -> None:
            data, size = rows.tobytes(), rows.itemsize
            connection.execute("begin")
            blobs = ((data[at : at + size],) for at in range(0, len(data), size))
            connection.executemany("insert into command (row) values (?)", blobs)
            connection.execute("commit")

        return _seconds(append, commands, batch)
    finally:
        connection.close()


def _seconds(append: Callable[[Commands], object], commands: Commands, batch: int) -> float:
    began = time.perf_counter()
    for start in range(0, len(commands), batch):
        append(commands[start : start + batch])
    return time.perf_counter() - began


def _recovery(commands: Commands, runs: int) -> list[dict[str, object]]:
    read, replayed, kept = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="rtlab-bench-") as name:
        folder = Path(name) / "journal"
        with Journal(folder, _new) as journal:
            for start in range(0, len(commands), 1_000):
                journal.append(commands[start : start + 1_000])
        for _ in range(runs):
            began = time.perf_counter()
            reading = read_journal(folder)
            checked = time.perf_counter()
            engine = recovered(reading.snapshot.engine, reading.batches())
            ended = time.perf_counter()
            read.append(len(commands) / (checked - began))
            replayed.append(len(commands) / (ended - began))
            kept.append(_seconds_to_keep(folder, engine))
    live = f"{engine.statistics().live_orders:,} live orders"
    return [
        result("check every byte", "rtlab", f"{len(commands):,} commands", "commands/s", read),
        result("recover without a snapshot", "rtlab", f"{len(commands):,} commands", "commands/s", replayed),
        result("keep a snapshot", "rtlab", live, "s", kept),
    ]


def _seconds_to_keep(folder: Path, engine: Engine) -> float:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    try:
        with Journal(copy, _new) as journal:
            began = time.perf_counter()
            journal.keep(journal.position, engine.snapshot())
            return time.perf_counter() - began
    finally:
        shutil.rmtree(copy)


def _case(batch: int) -> str:
    return f"an fsync per {batch:,}, on {file_system(Path(tempfile.gettempdir()))}"


def file_system(folder: Path) -> str:
    """Name the kind of the file system that a folder is on, as far as the system tells."""
    mounts, device = Path("/proc/mounts"), os.stat(folder).st_dev
    if not mounts.exists():
        return "an unnamed file system"
    for line in reversed(mounts.read_text().splitlines()):
        _, where, kind, *_ = line.split()
        try:
            if os.stat(where).st_dev == device:
                return kind
        except OSError:  # a mount that this user may not see
            continue
    return "an unnamed file system"


def _goal(name: str, value: float, bound: float, unit: str) -> dict[str, object]:
    return {"show": 6, "name": name, "value": value, "bound": bound, "op": ">=", "unit": unit}
