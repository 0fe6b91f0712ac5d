"""A million fills go through the bus while consumers, server and database are killed: the engine's own accounts."""

import asyncio
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import support
from support.bus_accounts import accounts, batches, traded
from support.bus_servers import RedisServer
from support.postgres import PostgresServer

from rtlab.bus import connect
from rtlab.bus.fills import Outbox
from rtlab.bus.positions import Positions
from rtlab.errors import UnreachableError

PROGRAM = next(Path(one) for one in support.__path__) / "fills_consumer.py"
FILLS, COMMANDS_A_FILL, SLICE = 1_000_000, 2.9, 4096
CONSUMERS, KILLS, SERVER_KILLS, LEASE_S = 2, 10, 3, 1.0

pytestmark = [pytest.mark.long, pytest.mark.rounds, pytest.mark.timeout(1800)]


class Consumers:
    """Some of them; `kill` puts another in the place of the one that it kills."""

    def __init__(self, url: str, place: Path | str) -> None:
        self.command = [sys.executable, str(PROGRAM), url, str(place), str(LEASE_S)]
        self.members = [self._start() for _ in range(CONSUMERS)]

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, number: int) -> None:
        self.end(number)
        self.members[number] = self._start()

    def end(self, number: int) -> None:
        self.members[number].kill()
        self.members[number].wait(20)


async def publish(outbox: Outbox, commands, events) -> int:
    while True:
        try:
            return await outbox.publish(commands, events)
        except UnreachableError:  # the server is away: the same fills again, with the same ids
            continue


@contextmanager
def placed(kind: str, folder: Path):
    """Where positions are kept, and what kills and starts the database that keeps them."""
    if kind == "SQLite":
        yield folder / "positions.db", lambda: None
        return
    with PostgresServer() as server:

        def restart() -> None:
            server.kill()
            server.start()

        yield server.url, restart


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
async def test_positions_after_a_million_fills_and_kills_are_the_engines_own(kind, tmp_path, capsys):
    draw = random.Random(11)
    commands, events = traded(int(FILLS * COMMANDS_A_FILL), seed=5)
    cut = list(batches(commands, events, SLICE))
    kills = dict.fromkeys(draw.sample(range(1, len(cut)), SERVER_KILLS), "server")
    kills |= dict.fromkeys(draw.sample([*({*range(1, len(cut))} - {*kills})], KILLS), "consumer")
    with placed(kind, tmp_path) as (place, restart), RedisServer(tmp_path / "bus") as server:
        positions = Positions(place)
        consumers = Consumers(server.url, place)
        began = time.monotonic()
        try:
            async with connect(server.url) as bus:
                outbox, published = Outbox(bus, epoch=1), 0
                for number, (some, made) in enumerate(cut):
                    published += await publish(outbox, some, made)
                    if kills.get(number) == "server":
                        await asyncio.to_thread(server.restart)
                        await asyncio.to_thread(restart)
                    elif kills.get(number) == "consumer":
                        await asyncio.to_thread(consumers.kill, draw.randrange(CONSUMERS))
            end = time.monotonic() + 600
            while sum(one.fills for one in positions.all().values()) < published:
                assert time.monotonic() < end, "not in time"
                await asyncio.sleep(0.5)
        finally:
            for number in range(CONSUMERS):
                consumers.end(number)
        found = {key: tuple(one) for key, one in positions.all().items()}
        positions.close()
    expected = accounts(events)
    with capsys.disabled():
        print(
            f"\n{kind}: {published:,} fills, {KILLS} consumers and {SERVER_KILLS} servers killed, in "
            f"{time.monotonic() - began:.0f} s: {len(found)} positions, {'equal' if found == expected else 'DIFFERENT'}"
        )
    assert published >= FILLS
    assert found == expected
