"""The connection of the bus to RabbitMQ: made again when it broke, given up in time, and speaking in our errors.

What is published and what is consumed have a connection each: a server that is short of memory or disk stops
reading from those who publish, and acknowledgements must go on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from yarl import URL

from rtlab.bus.event import Topic
from rtlab.errors import ConfigError, UnreachableError

ANSWER_S = 3.0
HEARTBEAT_S = 5
CLOSE_S = 1.0
QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


class Link:
    """One connection to the server at `url`, made when it is needed."""

    def __init__(self, url: str) -> None:
        try:
            address = URL(url)
            self.shown = str(address.with_password(None).with_user(None))
        except ValueError as problem:
            raise ConfigError(
                "this is not the address of a RabbitMQ", expected="amqp://host:port/"
            ) from problem
        self._url = address if "heartbeat" in address.query else address.update_query(heartbeat=HEARTBEAT_S)
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._lock = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that is not known to be broken."""
        connection = self._connection
        return connection is not None and not connection.is_closed and connection.connected.is_set()

    async def connection(self) -> AbstractConnection:
        """Give the connection; made anew when it broke."""
        async with self._lock:
            if not self.is_open:
                self._channel = None
                self._connection = await aio_pika.connect(self._url, timeout=ANSWER_S)
            assert self._connection is not None
            return self._connection

    async def channel(self) -> AbstractChannel:
        """Give the channel that all share who publish: what the server confirms is safe."""
        connection = await self.connection()
        async with self._lock:
            if self._channel is None or self._channel.is_closed:
                self._channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            return self._channel

    async def drop(self) -> None:
        """Leave the connection, whether it answers or not."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(AMQPError, OSError, TimeoutError, RuntimeError, asyncio.CancelledError):
                async with asyncio.timeout(CLOSE_S):
                    await connection.close()

    @asynccontextmanager
    async def answering(self, seconds: float = ANSWER_S) -> AsyncIterator[None]:
        """Turn what goes wrong between us and the server, or takes longer, into UnreachableError."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as problem:
            await self.drop()
            raise UnreachableError(f"RabbitMQ at {self.shown} had not answered in time") from problem
        except (AMQPError, ChannelInvalidStateError, OSError, RuntimeError) as problem:
            await self.drop()  # whatever broke: a new one is soon made, and nothing of this one is relied on
            said = str(problem) or type(problem).__name__
            raise UnreachableError(f"RabbitMQ at {self.shown} does not do it: {said}") from problem


def exchange_name(topic: str) -> str:
    """Name the exchange of a topic; its routing keys are the shards."""
    return f"rtlab.bus.{topic}"


def queue_name(topic: str, group: str, shard: int) -> str:
    """Name the queue of a group's shard."""
    return f"rtlab.bus.{topic}.{group}.{shard}"


def dead_name(topic: str, group: str) -> str:
    """Name the queue of a group's dead letters."""
    return f"rtlab.bus.{topic}.{group}.dead"


def mark_name(topic: str, group: str, shard: int) -> str:
    """Name the queue of one message, that keeps a shard's mark."""
    return f"rtlab.bus.{topic}.{group}.{shard}.mark"


def members_name(topic: str, group: str) -> str:
    """Name the exchange by which a group's members hear of each other."""
    return f"rtlab.bus.{topic}.{group}.members"


async def declare_dead(channel: AbstractChannel, topic: Topic[object], group: str) -> AbstractQueue:
    """Make the queue of a group's dead letters."""
    return await channel.declare_queue(dead_name(topic.name, group), durable=True, arguments=dict(QUORUM))


async def declare_mark(
    channel: AbstractChannel, topic: Topic[object], group: str, shard: int
) -> AbstractQueue:
    """Make the queue that keeps a shard's last mark."""
    return await channel.declare_queue(
        mark_name(topic.name, group, shard), durable=True, arguments=QUORUM | {"x-max-length": 1}
    )
