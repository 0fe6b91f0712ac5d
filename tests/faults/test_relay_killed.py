"""The relay and its Redis are killed at random points: what was acknowledged arrives, and is shown once."""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

import pytest
from support.messaging import Person, newest_server
from support.waiting import until

from rtlab.embedded import EmbeddedServer
from rtlab.errors import ProtocolError, UnreachableError
from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.relay.messages import Consent, Mail, Send

PROGRAM = Path(__file__).resolve().parents[1] / "support" / "relay_server.py"
KILLS = min(20, int(os.environ.get("RTLAB_ROUNDS", "2")))
LIMITS = {"per_s": 100_000, "burst": 100_000}


class Killed:
    """A relay in a process, and a Redis that keeps its data; both can be killed and come back."""

    def __init__(self, folder: Path, *, synced: bool) -> None:
        # a server that syncs each second may answer before it writes, while a sync is under way: so either it syncs
        # always, or the relay asks whether it has
        self.synced, self.redis = (
            synced,
            EmbeddedServer(folder, sync="everysec" if synced else "always", binary=newest_server()),
        )
        self.url = ""

    async def start(self) -> None:
        await asyncio.to_thread(self.redis.start)
        wanted = json.dumps({"redis": self.redis.url, "limits": LIMITS, "synced": self.synced})
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), wanted, stdin=pipe, stdout=pipe
        )
        self.url = json.loads(await self.process.stdout.readline())["url"]

    async def kill(self, what: str) -> None:
        """Kill the relay, or the Redis below it and then the relay, and start them again."""
        self.url = ""
        if what == "redis":
            os.kill(self.redis.pid, signal.SIGKILL)
            await until(lambda: not self.redis.is_running)
        self.process.kill()
        await self.process.wait()
        await self.start()

    async def close(self) -> None:
        self.process.kill()
        await self.process.wait()
        await asyncio.to_thread(self.redis.close)


GONE = (UnreachableError, ProtocolError, ConnectionError)


async def send_all(
    server: Killed, person: Person, to: Person, envelopes: list[bytes], acknowledged: set[int]
) -> None:
    """Send every envelope until it is acknowledged, the same one again after a fault."""
    while len(acknowledged) < len(envelopes):
        await until(lambda: server.url)
        try:
            async with person.link(server.url) as link:
                for n, envelope in enumerate(envelopes):
                    if n in acknowledged:
                        continue
                    await link.ask(Send, to=[to.public], envelope=envelope)
                    acknowledged.add(n)
        except GONE:
            continue
        except RelayRefused as refused:
            if refused.word != "busy":
                raise
            await asyncio.sleep(0.05)


async def read_all(server: Killed, person: Person, shown: list[bytes], many: int) -> None:
    """Show every envelope behind the cursor, save the cursor, then acknowledge it."""
    cursor = 0
    while len(shown) < many:
        await until(lambda: server.url)
        try:
            async with person.link(server.url, after=cursor) as link:
                while len(shown) < many:
                    mail = await link.mail()
                    assert isinstance(mail, Mail)
                    if mail.cursor > cursor:
                        shown.append(mail.envelope)
                        cursor = mail.cursor
                    if cursor % 20 == 0:
                        await link.acknowledge(cursor)
        except GONE:
            continue
        except RelayRefused as refused:
            if refused.word != "busy":
                raise
            await asyncio.sleep(0.05)


@pytest.mark.rounds
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "synced",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["syncs always", "asks whether it has synced"],
)
async def test_what_was_acknowledged_outlives_every_kill_and_is_shown_once(tmp_path, synced):
    chance = random.Random(7)
    one, other = Person(), Person()
    server = Killed(tmp_path / "redis", synced=synced)
    await server.start()
    try:
        async with other.link(server.url) as link:
            await link.ask(Consent, account=one.account, verdict="accept")
        many = (60 if synced else 600) * KILLS  # a sender that waits for each sends one a second
        envelopes = [one.seal(b"%d" % n) for n in range(many)]
        acknowledged, shown = set[int](), list[bytes]()
        work = asyncio.gather(
            send_all(server, one, other, envelopes, acknowledged), read_all(server, other, shown, many)
        )
        for n in range(KILLS):
            wanted = many * (n + chance.random()) / KILLS
            await until(lambda wanted=wanted: len(acknowledged) >= wanted, 60)
            await server.kill("redis" if n % 2 else "relay")
        async with asyncio.timeout(120):
            await work
    finally:
        await server.close()
    print(
        f"{KILLS} kills, {many} envelopes: lost {many - len(set(shown))}, shown twice {len(shown) - len(set(shown))}"
    )
    assert set(shown) == set(envelopes)
    assert len(shown) == many
