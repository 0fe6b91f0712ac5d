"""A consumer among those of its group on RabbitMQ: in line for every shard, and fair about it.

The server gives each queue to the first in its line, so the first consumer that comes has them all, and it tells
nobody how many are in line. Each member therefore says now and then to all others that it lives: whoever is active in
more shards than its share leaves one line, in order, and gets in again at its end.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable

from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage

from rtlab.bus.event import Topic
from rtlab.bus.rabbit_client import Link, members_name, queue_name
from rtlab.bus.rabbit_held import RabbitHeld
from rtlab.bus.transport import Backlog, Held
from rtlab.errors import UnreachableError

log = logging.getLogger("rtlab.bus")

LOOK_S = 0.5
ALIVE_S = 3.0  # who has said nothing for so long is no member


class RabbitMember:
    """See `transport.Member`."""

    def __init__(
        self, url: str, publishing: Link, topic: Topic[object], group: str, on_held: Callable[[Held], None]
    ) -> None:
        self._link, self._publishing = Link(url), publishing
        self._topic, self._group, self._on_held = topic, group, on_held
        self._held: dict[int, RabbitHeld] = {}
        self._name = secrets.token_hex(8).encode()
        self._heard = {self._name: float("inf")}
        self._members: AbstractExchange | None = None
        self._ears: AbstractChannel | None = None
        self._waiting = 0
        self._left = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Get in line for every shard."""
        await self._subscribe()
        self._task = asyncio.create_task(self._look_on())

    async def leave(self) -> None:
        """Get in line no more, once all that is held is released."""
        self._left = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def close(self) -> None:
        """Leave the connection."""
        await self._link.drop()

    def backlog(self) -> Backlog:
        """Give what waited when it looked last, in all shards; the oldest of those that are here."""
        return Backlog(self._waiting, max((held.oldest_s() for held in self._held.values()), default=0.0))

    async def _look_on(self) -> None:
        while not self._left:
            await asyncio.sleep(LOOK_S)
            try:
                await self._subscribe()
                await self._balance()
            except UnreachableError as problem:
                log.warning("%s", problem)
                await self._link.drop()

    async def _subscribe(self) -> None:
        for shard in range(self._topic.shards):
            held = self._held.get(shard)
            if held is not None and not (held.is_lost or held.released):
                continue
            held = RabbitHeld(self._publishing, self._topic, self._group, shard)
            async with self._link.answering():
                connection = await self._link.connection()
                await held.subscribe(await connection.channel(publisher_confirms=False))
            self._held[shard] = held
            self._on_held(held)

    async def _meet(self) -> None:
        # hear the others, and be heard by them
        async with self._link.answering():
            if self._ears is None or self._ears.is_closed:
                self._ears = channel = await (await self._link.connection()).channel(publisher_confirms=False)
                name = members_name(self._topic.name, self._group)
                self._members = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
                ears = await channel.declare_queue(exclusive=True, auto_delete=True)
                await ears.bind(self._members)
                await ears.consume(self._hear, no_ack=True)
            assert self._members is not None
            await self._members.publish(Message(self._name), "", mandatory=False)

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        if message.body != self._name:
            self._heard[message.body] = time.monotonic()

    async def _balance(self) -> None:
        await self._meet()
        silent_since = time.monotonic() - ALIVE_S
        self._heard = {name: at for name, at in self._heard.items() if at > silent_since}
        share = -(-self._topic.shards // len(self._heard))
        active = [held for held in self._held.values() if held.is_active and held.is_held]
        if len(active) > share and not any(held.is_leaving for held in active):
            active[-1].is_leaving = True
        await self._count()

    async def _count(self) -> None:
        waiting = 0
        async with self._publishing.answering():
            channel = await self._publishing.channel()
            for shard in range(self._topic.shards):
                name = queue_name(self._topic.name, self._group, shard)
                queue = await channel.declare_queue(name, passive=True)
                waiting += queue.declaration_result.message_count or 0
        self._waiting = waiting
