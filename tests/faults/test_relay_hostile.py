"""Who runs the relay, or floods it: what he can find of a text, and what he does to the others."""

import asyncio
import json
import os
import re
import secrets
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from redis import Redis
from support.messaging import DIRECTORY, Person

from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.correspondent import Correspondent
from rtlab.messaging.identity.wallets import local_wallet
from rtlab.messaging.relay.messages import Claim, Consent, Publish, Send

PROGRAM = Path(__file__).resolve().parents[1] / "support" / "relay_server.py"
FLOOD = 10_000 if "RTLAB_ROUNDS" in os.environ else 2_000
LINKS = 10


class Relaying:
    """A relay in a process of its own; `statistics` is what it counted, once it has ended."""

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), '{"redis": null}', stdin=pipe, stdout=pipe, stderr=pipe
        )
        told = json.loads(await self.process.stdout.readline())
        self.url, self.redis, self.port = told["url"], told["redis"], told["port"]
        self.folder = Path(self.redis.removeprefix("unix://")).parent
        return self

    async def __aexit__(self, *problem):
        self.process.stdin.close()
        out, self.errors = await asyncio.wait_for(self.process.communicate(), 20)
        self.statistics = json.loads(out)

    def memory(self) -> int:
        """Give the bytes that the relay's process has."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def dump(self):
        """Give the process's memory, region by region."""
        maps = Path(f"/proc/{self.process.pid}/maps").read_text().splitlines()
        with open(f"/proc/{self.process.pid}/mem", "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                if not rights.startswith("rw"):
                    continue
                first, last = (int(end, 16) for end in span.split("-"))
                try:
                    memory.seek(first)
                    yield memory.read(last - first)
                except (OSError, ValueError, OverflowError):
                    continue


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_canary_is_nowhere_on_the_way():
    canary = f"canary-{secrets.token_hex(12)}"
    async with Relaying() as relay:
        wallets = [local_wallet("solana", secrets.token_bytes(32)) for _ in range(2)]
        one, other = (Correspondent(relay.url, DIRECTORY, wallet) for wallet in wallets)
        async with one, other:
            for _ in range(4):
                await one.say(other.account, canary)
            async for received in other.received():
                assert received.content["text"] == canary
                break
            device = one._device.public
            places = {
                "memory": list(relay.dump()),
                "files": [path.read_bytes() for path in relay.folder.rglob("*") if path.is_file()],
                "redis": await asyncio.to_thread(everything, relay.redis),
                "pages": [await asyncio.to_thread(page, relay.port, name) for name in ("health", "metrics")],
            }
    places["logs"] = [relay.errors]
    found = [where for where, texts in places.items() if any(canary.encode() in text for text in texts)]
    assert found == []
    # the search is one that finds: what the relay does know is in all of them
    known = (device, device.hex().encode())
    for where in ("memory", "files", "redis"):
        assert any(one in text for text in places[where] for one in known), where
    assert all(len(text) > 100 for text in places["pages"])


def everything(url: str) -> list[bytes]:
    with Redis.from_url(url) as redis:
        return [part for name in redis.scan_iter("*") for part in (name, redis.dump(name) or b"")]


def page(port: int, name: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=10) as answer:
        return answer.read()


@pytest.mark.rounds
@pytest.mark.timeout(240)
async def test_a_flood_of_strangers_is_refused_and_a_friend_comes_through():
    friend, other, crowd = Person(), Person(), [Person() for _ in range(LINKS)]
    async with Relaying() as relay, other.link(relay.url) as theirs, friend.link(relay.url) as ours:
        await theirs.ask(Consent, account=friend.account, verdict="accept")
        await theirs.ask(Publish, packages=[other.groups.key_package()], last=other.groups.key_package())
        before, flooding = (
            relay.memory(),
            [asyncio.create_task(flood(relay.url, one, other)) for one in crowd],
        )
        times = []
        while not all(task.done() for task in flooding) or len(times) < 20:
            began = time.perf_counter()
            envelope = friend.seal(b"friend")
            await ours.ask(Send, to=[other.public], envelope=envelope)
            while (await theirs.mail()).envelope != envelope:
                pass
            times.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(0.05)
        refused = sum([await task for task in flooding])
        grown = relay.memory() - before
    times.sort()
    told = {
        "asked": FLOOD,
        "refused": refused,
        "grown_mb": grown / 2**20,
        "p99_ms": times[len(times) * 99 // 100],
    }
    print(json.dumps(told))
    assert refused >= FLOOD - LINKS * (5 + 200 + 1)
    assert relay.statistics["refused"] >= refused
    assert relay.statistics["stored"] <= len(times) + LINKS * 5
    assert grown < 100 * 2**20


async def flood(url: str, stranger: Person, to: Person) -> int:
    """Send messages and claims as fast as they are taken; give how many were refused."""
    refused = 0
    async with stranger.link(url) as link:
        for n in range(FLOOD // LINKS // 50):
            asked = [
                link.ask(Claim, account=to.account)
                if i % 5 == 4
                else link.ask(Send, to=[to.public], envelope=stranger.seal(b"flood %d" % n))
                for i in range(50)
            ]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            refused += sum(isinstance(answer, RelayRefused) for answer in answers)
            assert all(
                isinstance(answer, RelayRefused) for answer in answers if isinstance(answer, Exception)
            )
    return refused
