"""The bus as its users hold it: publish, consume, ask, count."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from rtlab.bus.consumer import Consumer
from rtlab.bus.event import Event, Topic, pack
from rtlab.bus.handling import Handler, Options
from rtlab.bus.publisher import DEADLINE_S, Publisher
from rtlab.bus.redis_streams import LEASE_S, RedisStreams
from rtlab.bus.transport import DeadLetter, Transport
from rtlab.embedded import EMBEDDED, EmbeddedServer, find_binary
from rtlab.errors import BusError, ConfigError, UnreachableError
from rtlab.extras import extra
from rtlab.server_info import OLDEST_BUS

T = TypeVar("T")
H = TypeVar("H", bound=Handler)

MOST_LETTERS = 100


class Bus:
    """Events that must not be lost. Made by `connect`; `async with connect(url) as bus`.

    Handlers that were registered with `consume` before start then; those of later at once.
    """

    def __init__(self, transport: Transport, server: EmbeddedServer | None = None) -> None:
        self.transport = transport
        self.consumers: list[Consumer] = []
        self._publisher = Publisher(transport)
        self._server = server
        self._declared: set[str] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._is_open = False

    async def __aenter__(self) -> Self:
        await self.transport.open()
        self._is_open = True
        try:
            for consumer in self.consumers:
                await consumer.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish and commit what is under way, and leave. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(consumer.close() for consumer in self.consumers))
        await self._publisher.close()
        await self.transport.close()
        if self._server is not None:
            await asyncio.to_thread(self._server.close)

    async def publish(
        self, topic: Topic[Any], *events: Event, deadline_s: float = DEADLINE_S, after_s: float = 0.0
    ) -> None:
        """Publish one event or many of `topic` (`topic.event(...)`); return when the server has them safe.

        Order is kept per key. After UnreachableError (not confirmed within `deadline_s`) publish the same events
        again: with the same ids they are applied once. FullError where the topic refuses for want of room.
        `after_s` seconds later, where given, they come to their consumers, in no order to others.
        """
        if not events:
            return
        await self._declare(topic, deadline_s)
        if after_s > 0:
            await self._publish_late(topic, events, deadline_s, after_s)
        else:
            await self._publisher.publish(topic, events, deadline_s)

    async def request(self, topic: Topic[T], body: T, *, key: str, timeout_s: float) -> Any:
        """Publish an event and give what its handler returned (as msgpack carries it).

        UnreachableError when no answer came within `timeout_s`; the event may be handled all the same. Only where
        the handler is of one event a call.
        """
        async with _deadline(timeout_s, "no answer"):
            question = await self.transport.ask()
            event = topic.event(body, key=key, reply=question.address)
            await self.publish(topic, event, deadline_s=timeout_s)
            answer = await question.wait(timeout_s)
        if answer is None:
            raise UnreachableError(f"no answer within {timeout_s:g} s")
        return msgspec.msgpack.decode(answer)

    def consume(self, topic: Topic[Any], group: str | None = None, **options: Any) -> Callable[[H], H]:
        """Decorate the handler of a group (the topic's first by default); `options` are those of `Options`."""
        chosen = Options(**options)

        def register(handler: H) -> H:
            consumer = Consumer(self.transport, topic, group or topic.groups[0], handler, chosen)
            self.consumers.append(consumer)
            if self._is_open:
                task = asyncio.create_task(consumer.start())
                self._starting.add(task)
                task.add_done_callback(self._starting.discard)
            return handler

        return register

    async def wait(self) -> None:
        """Consume for ever; raises what ended a consumer."""
        waits = [asyncio.create_task(consumer.wait()) for consumer in self.consumers]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def dead_letters(
        self, topic: Topic[Any], group: str | None = None, most: int = MOST_LETTERS
    ) -> list[DeadLetter]:
        """Give what a group (the topic's first by default) could not handle, with why; the `most` oldest first.

        BusError when the topic has no such group.
        """
        return await self.transport.letters(topic, _group_of(topic, group), most)

    async def replay(
        self, topic: Topic[Any], group: str | None = None, ids: Sequence[str] | None = None
    ) -> int:
        """Send a group's dead letters to it again (None: all), behind what waits there; give how many there were.

        BusError when the topic has no such group.
        """
        return await self.transport.take_letters(topic, _group_of(topic, group), ids, replay=True)

    def statistics(self) -> Mapping[str, NamedTuple]:
        """Count what was published, and what became of it for each group, for `telemetry.exposition` too."""
        counted: dict[str, NamedTuple] = {"bus": self._publisher.statistics()}
        for consumer in self.consumers:
            counted[f"bus_{consumer.topic.name}_{consumer.group}"] = consumer.statistics()
        return counted

    async def _declare(self, topic: Topic[Any], deadline_s: float) -> None:
        if topic.name not in self._declared:
            async with _deadline(deadline_s, "the topic could not be declared"):
                await self.transport.declare(topic)
            self._declared.add(topic.name)

    async def _publish_late(
        self, topic: Topic[Any], events: tuple[Event, ...], deadline_s: float, after_s: float
    ) -> None:
        async with _deadline(deadline_s, "not confirmed"):
            for event in events:
                entry = pack([event])[0][0]
                await self.transport.append_late(topic, topic.shard(event.key), entry, after_s)


def _group_of(topic: Topic[Any], group: str | None) -> str:
    if group is not None and group not in topic.groups:
        known = ", ".join(topic.groups)
        raise BusError(f"the topic {topic.name} has no such group", expected=f"one of {known}", got=group)
    return group or topic.groups[0]


@asynccontextmanager
async def _deadline(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise UnreachableError(f"{what} within {seconds:g} s") from None


def connect(url: str = EMBEDDED, *, folder: Path | None = None, lease_s: float = LEASE_S) -> Bus:
    """Give the bus at `url`: redis://, rediss:// or unix:// (Redis Streams), amqp:// or amqps:// (RabbitMQ).

    `embedded` starts a Redis-protocol server of our own that syncs every write to disk, and ends with this
    process; its events outlive it in `folder` (without one they go with it). `lease_s` is how long a consumer that
    died or froze keeps its shards, on Redis. ConfigError for another kind of address, BusError without its extra.
    """
    if url.startswith(("amqp://", "amqps://")):
        with extra("rabbit", "aio_pika", "the bus on RabbitMQ", BusError):
            from rtlab.bus.rabbit import Rabbit  # late: an extra
        return Bus(Rabbit(url))
    if url == EMBEDDED:
        server = EmbeddedServer(folder, sync="always", binary=find_binary(OLDEST_BUS))
        return Bus(RedisStreams(server.start(), lease_s=lease_s), server)
    if url.startswith(("redis://", "rediss://", "unix://")):
        return Bus(RedisStreams(url, lease_s=lease_s))
    raise ConfigError(
        "this is not the address of a bus", expected="embedded, redis://, unix:// or amqp://", got=url
    )
