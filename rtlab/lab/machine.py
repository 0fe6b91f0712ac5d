"""Numbers of this machine and this process, read twice a second: what the monitor page shows."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rtlab.lab.board import Lookers
from rtlab.views.metrics import Metrics

EVERY_S = 0.5
_MEMORY, _NET = Path("/proc/meminfo"), Path("/proc/net/dev")

Reader = Callable[[], Mapping[str, float]]


def totals() -> Mapping[str, float]:
    """Give what only grows: processor seconds of this process and bytes over the network, where that is told."""
    times = os.times()
    found = {"cpu of this process %": 100 * (times.user + times.system)}
    if _NET.exists():
        rows = [line.split(":") for line in _NET.read_text().splitlines() if ":" in line]
        found["network in MB/s"] = sum(int(row.split()[0]) for _, row in rows) / 1e6
        found["network out MB/s"] = sum(int(row.split()[8]) for _, row in rows) / 1e6
    return found


def levels() -> Mapping[str, float]:
    """Give what goes up and down: load, memory and disk, where that is told."""
    disk = shutil.disk_usage("/")
    found = {"disk free GB": disk.free / 1e9}
    if hasattr(os, "getloadavg"):
        found["load 1 min"] = os.getloadavg()[0]
    if _MEMORY.exists():
        sizes = dict(line.split(":") for line in _MEMORY.read_text().splitlines())
        for name, key in (("MemAvailable", "memory available GB"), ("Cached", "memory cached GB")):
            found[key] = int(sizes[name].split()[0]) / 1e6
    return found


class Rates:
    """Turns totals into how much they grow in a second."""

    def __init__(self) -> None:
        self._before: tuple[int, Mapping[str, float]] | None = None

    def __call__(self, now: int, totals: Mapping[str, float]) -> dict[str, float]:
        """Give the rates since the last call (`now` in ns); none the first time, and of no total that fell."""
        before, self._before = self._before, (now, totals)
        if before is None or now <= before[0]:
            return {}
        then, old = before
        grown = {key: value - old[key] for key, value in totals.items() if key in old}
        return {key: more * 1e9 / (now - then) for key, more in grown.items() if more >= 0}


class Monitor:
    """Reads numbers for pages to look at, on the loop that it was made on; nothing of it needs a market.

    `more` gives any other numbers; how late the loop itself is counts among them.
    """

    def __init__(self, more: Reader | None = None) -> None:
        self.metrics, self.lookers = Metrics(), Lookers()
        self._more = more
        self._rates = Rates()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """Read no more."""
        self._task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        late_ms = 0.0
        while True:
            self._read(late_ms)
            self.lookers.show(None)
            due = loop.time() + EVERY_S
            await asyncio.sleep(EVERY_S)
            late_ms = 1000 * (loop.time() - due)

    def _read(self, late_ms: float) -> None:
        found = {**levels(), **self._rates(time.monotonic_ns(), totals()), "event loop late ms": late_ms}
        if self._more is not None:
            found |= self._more()
        self.metrics.append(time.time_ns(), found)
