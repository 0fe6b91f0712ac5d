"""A RabbitMQ that is short of memory or disk: publishers are told in time, nothing is lost, and all goes on after."""

import time

import pytest
from support.bus_events import Counted, counted_topic
from support.bus_fixtures import until
from support.rabbit import RabbitServer

from rtlab.bus import connect
from rtlab.errors import UnreachableError

DEADLINE_S = 1.0
ALARMS = {
    "memory": (
        ("set_vm_memory_high_watermark", "absolute", "1MB"),
        ("set_vm_memory_high_watermark", "absolute", "1GB"),
    ),
    "disk": [("set_disk_free_limit", much) for much in ("100000GB", "1MB")],
}


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_publishers_are_told_within_their_deadline_and_all_goes_on_when_there_is_room(tmp_path, capsys):
    topic, seen, confirmed = counted_topic(shards=1), [], []
    with RabbitServer(tmp_path / "rabbit") as server:
        bus = connect(server.url)
        bus.consume(topic)(lambda delivery: seen.append(delivery.id))
        async with bus:

            async def publish(name: str) -> float:
                began = time.monotonic()
                try:
                    await bus.publish(
                        topic, topic.event(Counted("k", 1), key="k", id=name), deadline_s=DEADLINE_S
                    )
                    confirmed.append(name)
                except UnreachableError:
                    pass
                return time.monotonic() - began

            await bus.publish(topic, topic.event(Counted("k", 1), key="k", id="first"), deadline_s=30)
            for kind, (alarm, room) in ALARMS.items():
                server.control(*alarm)
                tries = [await publish(f"{kind}-{n}") for n in range(3)]
                assert max(tries) < DEADLINE_S + 2
                assert f"{kind}-2" not in confirmed, "the alarm was raised"
                server.control(*room)
                while f"{kind}-after" not in confirmed:
                    await publish(f"{kind}-after")
                with capsys.disabled():
                    print(
                        f"\nRabbitMQ, {kind} alarm: told after {max(tries):.2f} s of {DEADLINE_S:g}, then confirmed"
                    )
            await until(lambda: {"first", *confirmed} <= set(seen))
