"""Two hundred readers of the newest values, beside an engine and a recorder."""

import asyncio
import time

from rtlab.cli.bench.children import Child
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.cli.bench.store.recording import folder, keep, load_of, produce
from rtlab.embedded import EmbeddedServer
from rtlab.store import HotReader

READERS = 200
ROWS_PER_S = 50_000
PAUSE_S = 0.5  # between two reads of one reader
_LEAD_S = 1.0


async def hot_reads(seconds: float) -> dict[str, list[float]]:
    """Give how long each read of a book and of a ticker took, in ms, from the call to the value."""
    took: dict[str, list[float]] = {"book": [], "ticker": []}
    with folder() as path, EmbeddedServer(path / "hot") as server:
        load = load_of(ROWS_PER_S, seconds + 2 * _LEAD_S)
        with Child(keep, server.url, str(path)) as keeping, Child(produce, load, server.url) as producing:
            producing.receive()
            keeping.receive()
            producing.send("go")
            await asyncio.sleep(_LEAD_S)
            until = time.monotonic() + seconds
            await asyncio.gather(*(_reader(server.url, number, until, took) for number in range(READERS)))
            _, _, last = producing.receive()
            keeping.send(last)
            keeping.receive()
    return took


async def _reader(url: str, number: int, until: float, took: dict[str, list[float]]) -> None:
    async with HotReader(url) as hot:
        await hot.ticker(INSTRUMENT.symbol)
        await asyncio.sleep(PAUSE_S * number / READERS)
        is_book = number % 2 == 0
        while time.monotonic() < until:
            began = time.perf_counter()
            await (hot.book(INSTRUMENT.symbol) if is_book else hot.ticker(INSTRUMENT.symbol))
            took["book" if is_book else "ticker"].append(1e3 * (time.perf_counter() - began))
            is_book = not is_book
            await asyncio.sleep(PAUSE_S)
