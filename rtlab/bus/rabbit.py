"""The bus on RabbitMQ: a quorum queue for each group and shard, publisher confirms, single active consumers.

Needs RabbitMQ 3.10 or newer. A topic is a direct exchange whose routing keys are the shards; the queues of all its
groups are made with it, so that nothing is published to nobody. Entries of one shard are published one after the
other, each when the one before is confirmed: a queue that is full could otherwise refuse one and take the next.

The server keeps the names of new quorum queues in memory for up to 3 s (seen in 3.10.8): killed in these seconds, a
single node may come back with a queue that it does not recognise, without what was confirmed in it, and that
answers nobody. Where that may happen, declare topics some seconds before the first event that must not be lost, or run
three nodes.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence

from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, HeadersType
from aio_pika.exceptions import DeliveryError

from rtlab.bus.event import Topic, pack
from rtlab.bus.letters import decode_letter, encode_letter
from rtlab.bus.rabbit_client import (
    QUORUM,
    Link,
    dead_name,
    declare_dead,
    declare_mark,
    exchange_name,
    queue_name,
)
from rtlab.bus.rabbit_member import RabbitMember
from rtlab.bus.topics import declared, known_topic
from rtlab.bus.transport import Backlog, DeadLetter, Held, Question

TOPICS = "rtlab.bus.topics"
"""The queue of the topics that were declared, one message each."""
DECLARE_S = 30.0
UNUSED_MS = 60_000  # the queue of a delay goes, so long after its last message did


class Rabbit:
    """See `transport.Transport`."""

    def __init__(self, url: str) -> None:
        self._url, self._link = url, Link(url)
        self._members: list[RabbitMember] = []
        self._registered: set[bytes] = set()

    async def open(self) -> None:
        """Connect."""
        async with self._link.answering():
            await self._link.channel()

    async def close(self) -> None:
        """Leave."""
        for member in self._members:
            await member.close()
        await self._link.drop()

    async def declare(self, topic: Topic[object]) -> None:
        """Make the exchange and the queues; BusError when the topic is there with other shards."""
        async with self._link.answering(DECLARE_S):
            channel = await self._link.channel()
            await self._register(channel, topic)
            exchange = await channel.declare_exchange(
                exchange_name(topic.name), ExchangeType.DIRECT, durable=True
            )
            arguments = QUORUM | {
                "x-single-active-consumer": True,
                "x-max-length": topic.limit,
                "x-overflow": "reject-publish",
            }
            for group in topic.groups:
                await declare_dead(channel, topic, group)
                for shard in range(topic.shards):
                    name = queue_name(topic.name, group, shard)
                    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
                    await queue.bind(exchange, str(shard))
                    await declare_mark(channel, topic, group, shard)

    async def append(self, topic: Topic[object], shard: int, entries: Sequence[tuple[bytes, int]]) -> bool:
        """Keep entries in order; False when there is no room for all of them."""
        async with self._link.answering():
            channel = await self._link.channel()
            exchange = await channel.get_exchange(exchange_name(topic.name), ensure=False)
            try:
                for entry, events in entries:
                    await exchange.publish(_message(entry, events), str(shard))
            except DeliveryError:
                return False
        return True

    async def append_late(self, topic: Topic[object], shard: int, entry: bytes, delay_s: float) -> None:
        """Keep an entry of one event in the queue of its delay, from which it falls into its shard's."""
        delay_ms = _round(delay_s * 1e3)
        arguments = QUORUM | {
            "x-message-ttl": delay_ms,
            "x-expires": delay_ms + UNUSED_MS,
            "x-dead-letter-exchange": exchange_name(topic.name),
            "x-dead-letter-routing-key": str(shard),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        async with self._link.answering():
            channel = await self._link.channel()
            name = f"{exchange_name(topic.name)}.late.{shard}.{delay_ms}"
            await channel.declare_queue(name, durable=True, arguments=arguments)  # its life begins anew
            await channel.default_exchange.publish(_message(entry, 1), name)

    async def divert(self, topic: Topic[object], letter: DeadLetter) -> None:
        """Keep a dead letter of a publisher."""
        async with self._link.answering():
            channel = await self._link.channel()
            name = dead_name(topic.name, letter.group)
            await channel.default_exchange.publish(_message(encode_letter(letter), 1), name)

    async def join(
        self, topic: Topic[object], group: str, on_held: Callable[[Held], None], prefetch: int
    ) -> RabbitMember:
        """Become a consumer of `group`; the server sends `rabbit_held.PREFETCH` entries ahead, whatever `prefetch`."""
        member = RabbitMember(self._url, self._link, topic, group, on_held)
        self._members.append(member)
        await member.start()
        return member

    async def topics(self) -> list[Topic[object]]:
        """Give the topics that were declared here."""
        async with self._link.answering(DECLARE_S):
            found = await self._known(await self._link.channel())
        return [topic for _, topic in sorted(found.items())]

    async def letters(self, topic: Topic[object], group: str, most: int) -> list[DeadLetter]:
        """Give dead letters, the oldest first; of an event that was buried twice, one."""
        async with self._link.answering(DECLARE_S):
            queue = await declare_dead(await self._link.channel(), topic, group)
            messages = await _all(queue)
            for message in messages:
                await message.nack(requeue=True)
        letters = {letter.event.id: letter for letter in (decode_letter(m.body) for m in messages)}
        return sorted(letters.values(), key=lambda letter: letter.ts)[:most]

    async def take_letters(
        self, topic: Topic[object], group: str, ids: Sequence[str] | None, *, replay: bool
    ) -> int:
        """Remove dead letters, replay them before; gives how many."""
        taken: set[str] = set()
        async with self._link.answering(DECLARE_S):
            channel = await self._link.channel()
            for message in await _all(await declare_dead(channel, topic, group)):
                letter = decode_letter(message.body)
                if ids is not None and letter.event.id not in ids:
                    await message.nack(requeue=True)
                    continue
                if replay and letter.event.id not in taken:
                    entry = letter.event.body if not letter.event.type else pack([letter.event], group)[0][0]
                    name = queue_name(topic.name, group, letter.shard)
                    await channel.default_exchange.publish(_message(entry, 1), name)
                await message.ack()
                taken.add(letter.event.id)
        return len(taken)

    async def backlog(self, topic: Topic[object], group: str) -> Backlog:
        """Count the entries that wait for a group and are with no consumer yet; their age is not known."""
        waiting = 0
        async with self._link.answering(DECLARE_S):
            channel = await self._link.channel()
            for shard in range(topic.shards):
                queue = await channel.declare_queue(queue_name(topic.name, group, shard), passive=True)
                waiting += queue.declaration_result.message_count or 0
        return Backlog(waiting, 0.0)

    async def answer(self, address: str, answer: bytes) -> None:
        """Send the answer of a request; where nobody waits any more, it goes nowhere."""
        async with self._link.answering():
            channel = await self._link.channel()
            await channel.default_exchange.publish(Message(answer), address, mandatory=False)

    async def ask(self) -> Question:
        """Open a mailbox for one answer: a queue that goes with this connection."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def on_answer(message: AbstractIncomingMessage) -> None:
            if not answer.done():
                answer.set_result(message.body)

        async with self._link.answering():
            channel = await self._link.channel()
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            consumer = await queue.consume(on_answer, no_ack=True)

        async def wait(seconds: float) -> bytes | None:
            try:
                async with asyncio.timeout(seconds):
                    return await answer
            except TimeoutError:
                return None
            finally:
                async with self._link.answering():
                    await queue.cancel(consumer)

        return Question(queue.name, wait)

    async def _register(self, channel: AbstractChannel, topic: Topic[object]) -> None:
        about = declared(topic)
        if about in self._registered:
            return
        known = (await self._known(channel)).get(topic.name)
        if known is not None:
            known_topic(declared(known), wanted=topic)
        if known is None or declared(known) != about:
            await channel.default_exchange.publish(_message(about, 0), TOPICS)
        self._registered.add(about)

    async def _known(self, channel: AbstractChannel) -> dict[str, Topic[object]]:
        queue = await channel.declare_queue(TOPICS, durable=True, arguments=dict(QUORUM))
        messages = await _all(queue)
        for message in messages:
            await message.nack(requeue=True)
        return {topic.name: topic for topic in (known_topic(message.body) for message in messages)}


async def _all(queue: AbstractQueue) -> list[AbstractIncomingMessage]:
    messages: list[AbstractIncomingMessage] = []
    while (message := await queue.get(fail=False)) is not None:
        messages.append(message)
    return messages


def _message(body: bytes, events: int) -> Message:
    # an integer: a header's float has 32 bits, which are two minutes of a time
    headers: HeadersType = {"n": events, "t": time.time_ns() // 1_000_000}
    return Message(body, delivery_mode=DeliveryMode.PERSISTENT, headers=headers)


def _round(milliseconds: float) -> int:
    # upwards, to two digits: so many delays, so many queues
    whole = max(1, math.ceil(milliseconds))
    unit = int(10 ** max(0, len(str(whole)) - 2))
    return math.ceil(whole / unit) * unit
