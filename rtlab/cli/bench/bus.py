"""`rtlab bench bus`: events published, handled and acknowledged, through Redis Streams and through RabbitMQ.

Durability is the same for all: what is confirmed is on disk (`appendfsync always`; quorum queues, persistent
messages, confirms), and is acknowledged after it was handled. The consumer is a process of its own. RabbitMQ is the
one at RTLAB_BUS_URL (amqp://), where that is given: this benchmark starts none. Then how soon an alert is told, and
what other libraries do on the same servers, each event confirmed (none of them batches).
"""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np

from rtlab.bus import Bus, Event, Topic, connect
from rtlab.cli.bench import alerts, bus_peers
from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.results import result
from rtlab.embedded import EmbeddedServer

KEYS = 256
AT_ONCE = 64  # publishers of one event each
CALL = 4096  # events of one call, batched
DEADLINE_S = 60.0


class Order(msgspec.Struct, frozen=True):
    """The payload: about 100 bytes as msgpack."""

    key: str
    n: int
    text: str = "x" * 80


class Size(NamedTuple):
    """How much is measured: runs, events batched, one by one and of each peer, seconds at half load."""

    runs: int
    batched: int
    single: int
    seconds: float
    peers: int = 1000


def run(quick: bool) -> dict[str, object]:
    """Measure both engines; give results and goals as `rtlab bench --json` prints them."""
    size = Size(2, 100_000, 4_000, 3.0, 600) if quick else Size(5, 200_000, 20_000, 10.0, 3000)
    url = os.environ.get("RTLAB_BUS_URL", "")
    url = url if url.startswith("amqp") else ""
    with EmbeddedServer(sync="always") as server:
        results = list(measure(server.url, "rtlab, Redis Streams", size))
        others = [
            result("throughput", peer.shown, f"one by one, {peer.case}", "events/s", rates, reason)
            for peer, rates, reason in bus_peers.measure(server.url, url, size.peers, min(3, size.runs))
        ]
    if url:
        results += measure(url, "rtlab, RabbitMQ", size._replace(batched=size.batched // 5))
    else:
        reason = "no RabbitMQ: set RTLAB_BUS_URL=amqp://..."
        results.append(result("throughput", "rtlab, RabbitMQ", "batched", "events/s", [], reason))
    told = list(alerts.rows(100 if quick else 500))
    results += [row for row, _ in told]
    return {"results": results + others, "goals": [*_goals(results), *(goal for _, goal in told)]}


def measure(url: str, contender: str, size: Size) -> Iterator[dict[str, object]]:
    """Give the rows of one engine at `url`."""
    batched = [asyncio.run(_throughput(url, size.batched, CALL, 2)) for _ in range(size.runs)]
    yield result("throughput", contender, "batched", "events/s", batched)
    single = [asyncio.run(_throughput(url, size.single, 1, AT_ONCE)) for _ in range(size.runs)]
    yield result("throughput", contender, f"one by one, {AT_ONCE} publishers", "events/s", single)
    rate = median(single) / 2
    times = asyncio.run(_latency(url, rate, size.seconds))
    for share in (50, 99):
        value = float(np.percentile(times, share))
        yield result(f"published to handled, p{share}", contender, f"half load, {rate:,.0f}/s", "ms", [value])


async def _throughput(url: str, count: int, call: int, publishers: int) -> float:
    topic = _topic()
    with Child(consume, url, topic.name, count) as child:
        assert child.receive() == "ready"
        async with connect(url) as bus:
            first, *events = _events(topic, count)
            # the first one makes the topic: that is not measured
            await bus.publish(topic, first, deadline_s=DEADLINE_S)
            calls = iter([events[start : start + call] for start in range(0, len(events), call)])
            began = time.perf_counter()
            await asyncio.gather(*(_publish(bus, topic, calls) for _ in range(publishers)))
            await asyncio.to_thread(child.receive)
            return len(events) / (time.perf_counter() - began)


async def _publish(bus: Bus, topic: Topic[Order], calls: Iterator[Sequence[Event]]) -> None:
    for events in calls:
        await bus.publish(topic, *events, deadline_s=DEADLINE_S)


async def _latency(url: str, rate: float, seconds: float) -> Sequence[float]:
    topic, count = _topic(), int(rate * seconds)
    with Child(consume, url, topic.name, count) as child:
        assert child.receive() == "ready"
        async with connect(url) as bus:
            first = topic.event(Order("k0", 0), key="k0")
            # the first one makes the topic: that is not measured
            await bus.publish(topic, first, deadline_s=DEADLINE_S)
            began, tasks = time.perf_counter(), []
            for n in range(1, count):
                early = began + n / rate - time.perf_counter()
                if early > 0:
                    await asyncio.sleep(early)
                event = topic.event(Order(f"k{n % KEYS}", n), key=f"k{n % KEYS}")
                tasks.append(asyncio.create_task(bus.publish(topic, event, deadline_s=DEADLINE_S)))
            await asyncio.gather(*tasks)
            times: Sequence[float] = await asyncio.to_thread(child.receive)
            return times[1:]


async def consume(owner: Owner, url: str, name: str, count: int) -> None:
    """Handle `count` events; tell when ready, and, when all are acknowledged, how long each took (ms)."""
    topic, times, done = _topic(name), list[float](), asyncio.Event()
    bus = connect(url)

    @bus.consume(topic)
    async def handle(delivery) -> None:  # type: ignore[no-untyped-def]
        times.append((time.time_ns() - delivery.ts_event) / 1e6)
        if len(times) == count:
            done.set()

    async with bus:
        owner.send("ready")
        await done.wait()
        await bus.close()  # which commits
        owner.send(times)


def _topic(name: str = "") -> Topic[Order]:
    return Topic(name=name or f"bench-{secrets.token_hex(4)}", type=Order)


def _events(topic: Topic[Order], count: int) -> list[Event]:
    return [topic.event(Order(f"k{n % KEYS}", n), key=f"k{n % KEYS}") for n in range(count)]


def _goals(results: Sequence[dict[str, object]]) -> Iterator[dict[str, object]]:
    bounds = {
        ("rtlab, Redis Streams", "batched"): 40_000,
        ("rtlab, Redis Streams", f"one by one, {AT_ONCE} publishers"): 5_000,
        ("rtlab, RabbitMQ", "batched"): 5_000,
    }
    for row in results:
        bound = bounds.get((str(row["contender"]), str(row["case"])))
        if bound is not None and row["name"] == "throughput":
            name = f"{row['contender']}, {row['case']}"
            yield {
                "show": 5,
                "name": name,
                "value": row["median"],
                "bound": bound,
                "op": ">=",
                "unit": "events/s",
            }
