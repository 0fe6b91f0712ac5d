"""Two hundred readers of the newest values, beside an engine and a recorder.

First they share one `HotReader`, as those of one process do; then each asks Redis by a connection of its own. What
their process reads from files meanwhile is counted: it has no business with the cold side.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from rtlab.cli.bench.children import Child
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.cli.bench.store.recording import folder, keep, load_of, produce
from rtlab.embedded import EmbeddedServer
from rtlab.store import HotReader

READERS = 200
ROWS_PER_S = 50_000
PAUSE_S = 0.5  # between two reads of one reader
_LEAD_S = 1.0
OWN = {"book": "book, a connection each", "ticker": "ticker, a connection each"}


class HotReads(NamedTuple):
    """How long each read of a book and of a ticker took (ms), from the call to the value; None: nobody counted."""

    took: dict[str, list[float]]
    bytes_of_files: int | None


async def hot_reads(seconds: float) -> HotReads:
    """Read for so many seconds each way."""
    with folder() as path, EmbeddedServer(path / "hot") as server:
        load = load_of(ROWS_PER_S, 2 * seconds + 5 * _LEAD_S)
        with Child(keep, server.url, str(path)) as keeping, Child(produce, load, server.url) as producing:
            producing.receive()
            keeping.receive()
            producing.send("go")
            await asyncio.sleep(_LEAD_S)
            shared = await share(server.url, seconds)
            alone = await ask_alone(server.url, seconds)
            _, _, last = producing.receive()
            keeping.send(last)
            keeping.receive()
    counted = [one.bytes_of_files for one in (shared, alone) if one.bytes_of_files is not None]
    took = {**shared.took, **{OWN[what]: times for what, times in alone.took.items()}}
    return HotReads(took, sum(counted) if counted else None)


class FilesRead:
    """Counts the bytes that this process reads from files, not from sockets, from now on."""

    def __init__(self) -> None:
        self._before = _look()

    def bytes(self) -> int | None:
        """Give how many it were; None where the system does not count them."""
        now = _look()
        if self._before is None or now is None:
            return None
        return now[0] - sum(self._before)


def _look() -> tuple[int, int] | None:
    """Give what was read so far, and what it took to look."""
    counts = Path("/proc/self/io")
    if not counts.exists():
        return None
    told = counts.read_text()
    return int(told.partition("rchar: ")[2].split()[0]), len(told)


async def share(url: str, seconds: float) -> HotReads:
    """Let all readers share one reader of Redis."""
    async with HotReader(url) as hot:
        return await _read([hot] * READERS, seconds)


async def ask_alone(url: str, seconds: float) -> HotReads:
    """Let each reader ask Redis by a connection of its own, each time."""
    async with AsyncExitStack() as stack:
        hots = [await stack.enter_async_context(HotReader(url, fresh_s=0)) for _ in range(READERS)]
        return await _read(hots, seconds)


async def _read(hots: Sequence[HotReader], seconds: float) -> HotReads:
    await asyncio.gather(
        *(hot.ticker(INSTRUMENT.symbol) for hot in hots)
    )  # to connect reads files of the client
    took: dict[str, list[float]] = {"book": [], "ticker": []}
    until, files = time.monotonic() + seconds, FilesRead()
    await asyncio.gather(*(_reader(hot, number, until, took) for number, hot in enumerate(hots)))
    return HotReads(took, files.bytes())


async def _reader(hot: HotReader, number: int, until: float, took: dict[str, list[float]]) -> None:
    await asyncio.sleep(PAUSE_S * number / READERS)
    is_book = number % 2 == 0
    while True:
        began = time.perf_counter()
        await (hot.book(INSTRUMENT.symbol) if is_book else hot.ticker(INSTRUMENT.symbol))
        took["book" if is_book else "ticker"].append(1e3 * (time.perf_counter() - began))
        is_book = not is_book
        if time.monotonic() + PAUSE_S >= until:
            return
        await asyncio.sleep(PAUSE_S)
