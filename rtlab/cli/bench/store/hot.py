"""Two hundred readers of the newest values, beside an engine and a recorder.

First they share one `HotReader`, as those of one process do; then each asks Redis by a connection of its own.
"""

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
OWN = {"book": "book, a connection each", "ticker": "ticker, a connection each"}


async def hot_reads(seconds: float) -> dict[str, list[float]]:
    """Give how long each read of a book and of a ticker took, in ms, from the call to the value."""
    took: dict[str, list[float]] = {name: [] for name in ("book", "ticker", *OWN.values())}
    with folder() as path, EmbeddedServer(path / "hot") as server:
        load = load_of(ROWS_PER_S, 2 * seconds + 3 * _LEAD_S)
        with Child(keep, server.url, str(path)) as keeping, Child(produce, load, server.url) as producing:
            producing.receive()
            keeping.receive()
            producing.send("go")
            await asyncio.sleep(_LEAD_S)
            await _share(server.url, seconds, took)
            await _ask_alone(server.url, seconds, took)
            _, _, last = producing.receive()
            keeping.send(last)
            keeping.receive()
    return took


async def _share(url: str, seconds: float, took: dict[str, list[float]]) -> None:
    until = time.monotonic() + seconds
    async with HotReader(url) as hot:
        readers = (_reader(hot, number, until, took) for number in range(READERS))
        await asyncio.gather(*readers)


async def _ask_alone(url: str, seconds: float, took: dict[str, list[float]]) -> None:
    until = time.monotonic() + seconds
    mine = {what: took[name] for what, name in OWN.items()}

    async def alone(number: int) -> None:
        async with HotReader(url, fresh_s=0) as hot:
            await _reader(hot, number, until, mine)

    await asyncio.gather(*(alone(number) for number in range(READERS)))


async def _reader(hot: HotReader, number: int, until: float, took: dict[str, list[float]]) -> None:
    await hot.ticker(INSTRUMENT.symbol)
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
