"""A million fills go through the bus while consumers and server are killed: positions are the engine's accounts."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import support
from support.bus_accounts import accounts, batches, traded
from support.bus_servers import RedisServer

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

    def __init__(self, url: str, path: Path) -> None:
        self.command = [sys.executable, str(PROGRAM), url, str(path), str(LEASE_S)]
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


async def test_positions_after_a_million_fills_and_kills_are_the_engines_own(tmp_path, capsys):
    draw = random.Random(11)
    commands, events = traded(int(FILLS * COMMANDS_A_FILL), seed=5)
    cut = list(batches(commands, events, SLICE))
    kills = dict.fromkeys(draw.sample(range(1, len(cut)), SERVER_KILLS), "server")
    kills |= dict.fromkeys(draw.sample([*({*range(1, len(cut))} - {*kills})], KILLS), "consumer")
    positions = Positions(tmp_path / "positions.db")
    with RedisServer(tmp_path / "bus") as server:
        consumers = Consumers(server.url, tmp_path / "positions.db")
        began = time.monotonic()
        try:
            async with connect(server.url) as bus:
                outbox, published = Outbox(bus, epoch=1), 0
                for number, (some, made) in enumerate(cut):
                    published += await publish(outbox, some, made)
                    if kills.get(number) == "server":
                        await asyncio.to_thread(server.restart)
                    elif kills.get(number) == "consumer":
                        await asyncio.to_thread(consumers.kill, draw.randrange(CONSUMERS))
            end = time.monotonic() + 600
            while sum(one.fills for one in positions.all().values()) < published:
                assert time.monotonic() < end, "not in time"
                await asyncio.sleep(0.5)
        finally:
            for number in range(CONSUMERS):
                consumers.end(number)
    expected = accounts(events)
    found = {key: tuple(one) for key, one in positions.all().items()}
    with capsys.disabled():
        print(
            f"\n{published:,} fills, {KILLS} consumers and {SERVER_KILLS} servers killed, in "
            f"{time.monotonic() - began:.0f} s: {len(found)} positions, {'equal' if found == expected else 'DIFFERENT'}"
        )
    assert published >= FILLS
    assert found == expected
