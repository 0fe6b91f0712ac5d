"""A consumer comes and goes: how long each key stands still is measured, and its order holds."""

import asyncio
import time

import numpy as np
import pytest
from support.bus_events import Counted, counted_topic
from support.bus_servers import RedisServer

from rtlab.bus import connect

LEASE_S, KEYS, STEP_S = 2.0, 16, 0.05


class Watch:
    """Publishes an event of every key each STEP_S, and notes when each was handled here."""

    def __init__(self, topic) -> None:
        self.topic, self.n, self.handled = topic, 0, {f"k{i}": [] for i in range(KEYS)}

    def consumer(self, url):
        bus = connect(url, lease_s=LEASE_S)

        @bus.consume(self.topic)
        async def handle(delivery):
            self.handled[delivery.key].append((time.monotonic(), delivery.body.n))

        return bus

    async def publish(self, bus) -> None:
        while True:
            events = [self.topic.event(Counted(key, self.n), key=key) for key in self.handled]
            await bus.publish(self.topic, *events, deadline_s=20)
            self.n += 1
            await asyncio.sleep(STEP_S)

    async def pauses(self, change) -> list[float]:
        """The longest silence of each key from just before `change` until three leases after it."""
        start = time.monotonic()
        await change()
        await asyncio.sleep(3 * LEASE_S)
        longest = []
        for times in self.handled.values():
            mine = [start, *(at for at, _ in times if at > start), time.monotonic()]
            longest.append(max(np.diff(mine)))
        return longest


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_a_key_stands_still_no_longer_than_two_leases_when_consumers_come_and_go(tmp_path, capsys):
    watch = Watch(counted_topic(shards=8))
    with RedisServer(tmp_path / "redis") as server:
        async with watch.consumer(server.url) as one:
            publishing = asyncio.create_task(watch.publish(one))
            two = watch.consumer(server.url)
            added = await watch.pauses(two.__aenter__)
            removed = await watch.pauses(two.close)
            publishing.cancel()
            await asyncio.wait([publishing])
    with capsys.disabled():
        for what, pauses in (("added", added), ("removed", removed)):
            p99 = np.percentile(pauses, 99)
            print(
                f"\nconsumer {what}: pause per key p50 {np.median(pauses):.2f} s, p99 {p99:.2f} s, lease {LEASE_S:g} s"
            )
    for pauses in (added, removed):
        assert np.percentile(pauses, 99) <= 2 * LEASE_S
    for times in watch.handled.values():
        numbers = list(dict.fromkeys(n for _, n in times))
        assert numbers == sorted(numbers)
