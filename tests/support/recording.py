"""A small market that writes to Redis, a recorder, and the store they fill; in one process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from support.command_flow import INSTRUMENTS
from support.kept import Made, plain
from support.store import store_server
from support.waiting import until

from rtlab.embedded import EmbeddedServer
from rtlab.store import History, Writer
from rtlab.store.api import Store
from rtlab.store.cold.place import LocalPlace
from rtlab.store.recording import Recorder, RecorderLimits

QUICK = RecorderLimits(flush_s=0.01, wait_s=0.2)


class Lively(Made):
    """A made market that a Writer writes."""

    def write_to(self, url: str, **more: object) -> Writer:
        note = self._note
        writer = Writer(self.market, url, **more)
        out = self.market.on_step
        self.market.on_step = lambda state, step: (note(state, step), out(state, step))
        return writer

    async def run(self, steps: int, *, commands: int = 20) -> None:
        for _ in range(steps):
            self.make(1, commands)
            self.rows.take()
            await asyncio.sleep(0)


class Room:
    """One server, one folder."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server, self.url = server, server.url
        self.folder = server.folder / "store"
        self.folder.mkdir()
        self.place = LocalPlace(self.folder)

    def recorder(self, limits: RecorderLimits = QUICK, url: str = "") -> Recorder:
        return Recorder(url or self.url, self.place, self.folder, limits=limits)

    def store(self) -> Store:
        return Store(self.folder, redis_url=self.url)

    async def read(self, store: Store, channel: str = "book") -> list[tuple[int, ...]]:
        return plain(await asyncio.to_thread(store.read, channel, "BTC-USD"))


@contextmanager
def room() -> Iterator[Room]:
    with store_server() as server:
        yield Room(server)


@asynccontextmanager
async def recorded(room: Room, *, steps: int, history: History | None = None) -> AsyncIterator[Lively]:
    """Write and record `steps`, and wait until all of it is safe."""
    made = Lively()
    async with made.write_to(room.url, history=history), room.recorder() as recorder:
        await made.run(steps)
        await safe(recorder, made)
    yield made


async def safe(recorder: Recorder, made: Made) -> None:
    """Wait until the recorder has all that the market made."""
    whole = sum(made.market.state(one.symbol).position for one in INSTRUMENTS)
    await until(lambda: sum(one.writer.stand.position for one in recorder._ones.values()) == whole)


def path_size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
