"""A bad line between the bus and both servers: publish confirms or raises in time, and a retry is applied once."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest
from support.bus_events import counted_events, counted_topic, judge, make_account, note, rows
from support.bus_fixtures import until
from support.bus_servers import RedisServer
from support.rabbit import RabbitServer

from rtlab.bus import connect
from rtlab.bus.once import SqliteOnce
from rtlab.errors import UnreachableError
from rtlab.lab.faults.proxy import LossyProxy

DEADLINE_S = 1.0


async def trouble(proxy, kind: str) -> None:
    match kind:
        case "stall":
            proxy.line.stalled = True
        case "reset":
            proxy.cut()
        case "half-open":
            proxy.line.deaf = True
    await asyncio.sleep(0 if kind == "reset" else 1.5)
    proxy.line.heal()


@pytest.mark.long
@pytest.mark.parametrize("engine", [RedisServer, RabbitServer])
@pytest.mark.timeout(180)
async def test_publish_confirms_or_raises_within_its_deadline_and_a_retry_is_applied_once(
    tmp_path, engine, capsys
):
    topic, path = counted_topic(shards=2), tmp_path / "account.db"
    make_account(path)
    once, events = SqliteOnce(path), counted_events(topic, 300, 6)
    longest, raised = 0.0, 0
    with engine(tmp_path / "server", tcp=True) as server:
        async with LossyProxy(urlsplit(server.url).port, seed=1) as proxy:
            near = server.url.replace(f":{server.port}", f":{proxy.port}")
            consumer, bus = connect(server.url, lease_s=1.0), connect(near)
            consumer.consume(topic, batch=20)(lambda many: once.apply_all(many, note))
            async with consumer, bus:
                await bus.publish(topic, events[0], deadline_s=20)
                for number, kind in enumerate(["stall", "reset", "half-open"] * 2):
                    breaking = asyncio.create_task(trouble(proxy, kind))
                    for start in range(number * 50, number * 50 + 50, 10):
                        while True:
                            began = time.monotonic()
                            try:
                                await bus.publish(topic, *events[start : start + 10], deadline_s=DEADLINE_S)
                                break
                            except UnreachableError:
                                raised += 1
                            finally:
                                longest = max(longest, time.monotonic() - began)
                    await breaking
                await until(lambda: len(rows(path)) >= 300)
    found = judge(path, events)
    with capsys.disabled():
        print(
            f"\n{engine.__name__}: raised {raised}, longest publish {longest:.2f} s of {DEADLINE_S:g}, {found}"
        )
    assert found == {"lost": 0, "twice": 0, "broken": 0, "strange": 0}
    assert raised > 0
    assert longest < DEADLINE_S + 1.5
