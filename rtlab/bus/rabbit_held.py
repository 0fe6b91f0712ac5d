"""One shard of a topic on RabbitMQ: a quorum queue with a single active consumer, which may be this one."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from rtlab.bus.event import Topic
from rtlab.bus.letters import encode_letter
from rtlab.bus.rabbit_client import Link, dead_name, mark_name, queue_name
from rtlab.bus.transport import DeadLetter, Taken
from rtlab.errors import FencedError

READ_S = 0.5
READ_ENTRIES = 64
PREFETCH = 256
"""Entries that the server sends ahead."""
SUSPECT = 2
"""An entry that was given out so often before may have killed who had it: with the first death many are given back."""


class RabbitHeld:
    """See `transport.Held`. It waits in the line of the queue's consumers; nothing comes until it is the active one.

    There is no fencing token: a consumer that was frozen longer than the heartbeat finds its channel closed, and
    its effects are told apart by event id alone.
    """

    token = 0

    def __init__(self, publishing: Link, topic: Topic[object], group: str, shard: int) -> None:
        self.shard, self.is_leaving, self.is_active = shard, False, False
        self._publishing, self._topic, self._group = publishing, topic, group
        self._channel: AbstractChannel | None = None
        self._inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue(PREFETCH + 1)
        self._unfinished: deque[tuple[int, float]] = deque()
        self.released = False

    async def subscribe(self, channel: AbstractChannel) -> None:
        """Get in line."""
        self._channel = channel
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(queue_name(self._topic.name, self._group, self.shard), ensure=False)
        await queue.consume(self._inbox.put)

    @property
    def is_lost(self) -> bool:
        """Tell whether the channel is closed."""
        return not self.released and (self._channel is None or self._channel.is_closed)

    @property
    def is_held(self) -> bool:
        """Tell whether the channel is open."""
        return not self.released and not self.is_lost

    def oldest_s(self) -> float:
        """Give the age of the oldest entry that is here and not finished, by the publisher's clock."""
        return max(0.0, time.time() - self._unfinished[0][1]) if self._unfinished else 0.0

    async def read(self) -> Sequence[Taken]:
        """Give what came next; waits up to READ_S."""
        try:
            async with asyncio.timeout(READ_S):
                messages = [await self._inbox.get()]
        except TimeoutError:
            return []
        while len(messages) < READ_ENTRIES and not self._inbox.empty():
            messages.append(self._inbox.get_nowait())
        self.is_active = True
        return [self._taken(message) for message in messages]

    def _taken(self, message: AbstractIncomingMessage) -> Taken:
        tag = message.delivery_tag or 0
        published, events = message.headers.get("t"), message.headers.get("n")
        deliveries = message.headers.get("x-delivery-count", 0)
        born_s = published / 1e3 if isinstance(published, int) else time.time()
        self._unfinished.append((tag, born_s))
        return Taken(
            str(tag),
            events if isinstance(events, int) else 1,
            message.body,
            suspect=isinstance(deliveries, int) and deliveries >= SUSPECT,
        )

    async def commit(self, position: str, events: int) -> None:
        """Acknowledge all up to `position`."""
        tag = int(position)
        try:
            assert self._channel is not None
            under = await self._channel.get_underlay_channel()
            await under.basic_ack(tag, multiple=True)
        except (AMQPError, ChannelInvalidStateError, OSError, RuntimeError) as problem:
            raise FencedError(f"the channel of shard {self.shard} is gone: {problem}") from problem
        while self._unfinished and self._unfinished[0][0] <= tag:
            self._unfinished.popleft()

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        await self._keep(dead_name(self._topic.name, self._group), encode_letter(letter))

    async def note(self, mark: bytes) -> None:
        """Keep `mark` for the next active consumer."""
        await self._keep(mark_name(self._topic.name, self._group, self.shard), mark)

    async def marked(self) -> bytes:
        """Give what was marked last."""
        async with self._publishing.answering():
            channel = await self._publishing.channel()
            name = mark_name(self._topic.name, self._group, self.shard)
            queue = await channel.get_queue(name, ensure=False)
            message = await queue.get(fail=False)
            if message is None:
                return b""
            await message.nack(requeue=True)
            return message.body

    async def release(self) -> None:
        """Leave the line; what is not acknowledged goes to the next in it."""
        self.released = True
        if self._channel is not None:
            with contextlib.suppress(
                AMQPError, ChannelInvalidStateError, OSError, RuntimeError, TimeoutError
            ):
                async with asyncio.timeout(READ_S):
                    await self._channel.close()

    async def _keep(self, queue: str, body: bytes) -> None:
        if self.is_lost:
            raise FencedError(f"the channel of shard {self.shard} is gone")
        message = Message(body, delivery_mode=DeliveryMode.PERSISTENT)
        async with self._publishing.answering():
            channel = await self._publishing.channel()
            await channel.default_exchange.publish(message, queue)
