"""What every server of this bench does: stay on its core, send ticks at a rate, and tell what that cost."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from rtlab.cli.bench.children import Owner
from rtlab.cli.running import settle_heap

SETTLE_S = 0.2  # after the last tick: what is still on its way belongs to it
Tick = Callable[[bool], Awaitable[float]]
"""Send the next tick (True: ten increments instead of one); gives CPU seconds that are not the fan-out's."""


class Window(NamedTuple):
    """Send `rate` ticks a second for `seconds`; `together` of ten increments each."""

    rate: float
    seconds: float
    together: bool = False


class Spent(NamedTuple):
    """CPU seconds of the server's process for the fan-out and beside it (`market_s`), and the ticks it sent."""

    fanout_s: float
    market_s: float
    ticks: int


async def obey(owner: Owner, port: int, tick: Tick) -> None:
    """Tell the port; then measure every Window that the owner asks for, or tell the resident bytes."""
    owner.send(port)
    while True:
        word = await owner.receive()
        owner.send(await _measure(word, tick) if isinstance(word, Window) else resident_bytes(os.getpid()))


async def _measure(window: Window, tick: Tick) -> Spent:
    settle_heap()
    began = due = time.monotonic()
    cpu, market_s, ticks = time.process_time(), 0.0, 0
    while due < began + window.seconds:
        market_s += await tick(window.together)
        ticks += 1
        due = max(due + 1 / window.rate, time.monotonic())  # who is late sends at once, but not two for one
        await asyncio.sleep(due - time.monotonic())
    await asyncio.sleep(SETTLE_S)
    return Spent(time.process_time() - cpu - market_s, market_s, ticks)


def resident_bytes(pid: int) -> int:
    """Give how much memory of a process is resident; 0 where the system does not tell."""
    path = Path(f"/proc/{pid}/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0


def raise_file_limit() -> int:
    """Let this process open as many files as it may; give how many."""
    if sys.platform == "win32":
        return 512
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def settle_on(core: int | None) -> None:
    """Stay on `core` from now on, with as many files as this user may open."""
    raise_file_limit()
    if core is not None and sys.platform == "linux":
        os.sched_setaffinity(0, {core})
