"""Publish and handle events by another library: a script for the environment of its own.

    python bus_rival.py NAME URL COUNT

A consumer in a process of its own handles COUNT events of about 100 bytes, which 64 publishers send one by one, each
when the one before it is confirmed. One JSON object is printed: events a second, from the first that is published
to the last that is handled.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

AT_ONCE = 64
QUEUE = "rival"
PREFETCH = 256
TEXT = "x" * 80
PATIENCE_S = 60.0

Send = Callable[[int], Awaitable[object]]


class Counter:
    """Counts what is handled; `done` is set with the last."""

    def __init__(self, count: int) -> None:
        self.left, self.done = count, asyncio.Event()

    def one(self) -> None:
        """Count one more."""
        self.left -= 1
        if not self.left:
            self.done.set()


def body(n: int) -> dict[str, object]:
    """Give the payload number `n`."""
    return {"key": f"k{n % 256}", "n": n, "text": TEXT}


async def send_all(send: Send, count: int) -> None:
    """Send `count` events from AT_ONCE senders."""
    numbers = iter(range(count))

    async def sender() -> None:
        for n in numbers:
            await send(n)

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))


# FastStream


def _broker(name: str, url: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    # the broker, how it subscribes, how it publishes
    if name == "faststream-redis":
        redis = import_module("faststream.redis")
        sub = redis.StreamSub(QUEUE, group="main", consumer="one", max_records=PREFETCH, last_id=">")
        return redis.RedisBroker(url), {"stream": sub}, {"stream": QUEUE}
    rabbit = import_module("faststream.rabbit")
    queue = rabbit.RabbitQueue(QUEUE, durable=True, queue_type=rabbit.QueueType.QUORUM)
    channel = rabbit.Channel(prefetch_count=PREFETCH)
    return (
        rabbit.RabbitBroker(url, default_channel=channel),
        {"queue": queue},
        {"queue": queue, "persist": True},
    )


async def faststream(name: str, url: str, count: int, *, consume: bool) -> None:
    """Either side."""
    broker, subscribes, publishes = _broker(name, url)
    if consume:
        counter = Counter(count)

        @broker.subscriber(**subscribes)  # type: ignore[untyped-decorator]
        async def handle(message: dict) -> None:  # type: ignore[type-arg]
            counter.one()

        async with broker:
            await broker.start()
            say("ready")
            await counter.done.wait()
            say("done")
        return
    async with broker:
        await broker.connect()
        await send_all(lambda n: broker.publish(body(n), **publishes), count)


# aio-pika


async def aio_pika(name: str, url: str, count: int, *, consume: bool) -> None:
    """Either side."""
    pika = import_module("aio_pika")
    connection = await pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=not consume)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        if consume:
            await channel.set_qos(prefetch_count=PREFETCH)
            counter = Counter(count)

            async def handle(message: Any) -> None:
                json.loads(message.body)
                await message.ack()
                counter.one()

            await queue.consume(handle)
            say("ready")
            await counter.done.wait()
            say("done")
            return
        mode = pika.DeliveryMode.PERSISTENT

        def send(n: int) -> Awaitable[object]:
            message = pika.Message(json.dumps(body(n)).encode(), delivery_mode=mode)
            sent: Awaitable[object] = channel.default_exchange.publish(message, QUEUE)
            return sent

        await send_all(send, count)


# celery


def celery(url: str, count: int, *, consume: bool) -> None:
    """Either side; a task is acknowledged after it ran. It publishes from one thread: it knows no other way."""
    address = url.replace("unix://", "redis+socket://")
    app = import_module("celery").Celery(QUEUE, broker=address)
    app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=PREFETCH)
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
    left = [count]

    @app.task(name="rival.handle")  # type: ignore[untyped-decorator]
    def handle(message: dict) -> None:  # type: ignore[type-arg]
        left[0] -= 1
        if not left[0]:
            say("done")

    if consume:
        import_module("celery.signals").worker_ready.connect(lambda **_: say("ready"), weak=False)
        options = ["--pool=solo", "--loglevel=ERROR", "--without-gossip", "--without-mingle"]
        app.worker_main(["worker", *options, "--without-heartbeat"])
        return
    for n in range(count):
        handle.delay(body(n))


def side(name: str, url: str, count: int, *, consume: bool) -> None:
    """Run one side of a library."""
    if name == "celery":
        celery(url, count, consume=consume)
    else:
        run = aio_pika if name == "aio-pika" else faststream
        asyncio.run(run(name, url, count, consume=consume))


def say(word: str) -> None:
    """Tell the other process."""
    os.write(1, f"{word}\n".encode())


def main(name: str, url: str, count: int) -> None:
    """Start the consumer, publish, and wait for its last word."""
    command = [sys.executable, "-P", __file__, name, url, str(count), "consume"]  # see `environments.answer`
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as consumer:
        assert consumer.stdout is not None
        try:
            _await(consumer, "ready")
            began = time.perf_counter()
            side(name, url, count, consume=False)
            _await(consumer, "done")
            print(json.dumps({"events_per_s": count / (time.perf_counter() - began)}))
        finally:
            consumer.kill()


def _await(consumer: "subprocess.Popen[str]", word: str) -> None:
    assert consumer.stdout is not None
    for line in consumer.stdout:
        if line.strip() == word:
            return
    raise SystemExit(f"the consumer ended before it was {word}")


if __name__ == "__main__":
    if sys.argv[4:] == ["consume"]:
        side(sys.argv[1], sys.argv[2], int(sys.argv[3]), consume=True)
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
