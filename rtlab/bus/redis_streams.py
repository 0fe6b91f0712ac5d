"""The bus on Redis Streams: a stream a shard, one leased and fenced consumer a shard and group.

Needs Redis 7 or Valkey with an append-only file. How safe an appended event is, is the server's `appendfsync`: with
`always` it survives a power cut (and whoever appends together shares the sync); with `everysec` the last second, or
two when the disk is busy, may be lost, even when only the server's process is killed.
"""

import logging
import math
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from rtlab.bus.event import Topic, pack
from rtlab.bus.letters import decode_letter, encode_letter
from rtlab.bus.redis_client import answering, client
from rtlab.bus.redis_held import Scripts
from rtlab.bus.redis_keys import TOPICS, Keys
from rtlab.bus.redis_member import RedisMember, backlog_of
from rtlab.bus.topics import declared, known_topic
from rtlab.bus.transport import Backlog, DeadLetter, Held, Question
from rtlab.errors import BusError, shown
from rtlab.server_info import OLDEST_BUS, is_too_old, version_of

log = logging.getLogger("rtlab.bus")

LEASE_S = 3.0
ANSWER_KEPT_S = 60


class RedisStreams:
    """See `transport.Transport`. `lease_s` is how long a consumer that died or froze keeps its shards."""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self.url, self.lease_s = url, lease_s
        self._redis = client(url)
        self._scripts = Scripts(self._redis)

    async def open(self) -> None:
        """Connect; warns when the server may lose what it confirmed. BusError where it is too old."""
        async with answering(self.url):
            found: Any = await self._redis.config_get("append*")
            info = await self._redis.info("server")
        if is_too_old(info, OLDEST_BUS):
            await self._redis.aclose()
            wanted = f"{'.'.join(map(str, OLDEST_BUS))} or newer, or Valkey"
            raise BusError(
                f"the Redis at {shown(self.url)} is too old for the bus",
                expected=wanted,
                got=version_of(info),
            )
        if found.get("appendonly") != "yes" or found.get("appendfsync") != "always":
            log.warning(
                "the Redis at %s may lose events that it confirmed: for the bus it should have appendonly yes and "
                "appendfsync always",
                shown(self.url),
            )

    async def close(self) -> None:
        """Leave."""
        await self._redis.aclose()

    async def declare(self, topic: Topic[object]) -> None:
        """Note the topic; BusError when it exists with other shards."""
        async with answering(self.url):
            await self._redis.hsetnx(TOPICS, topic.name, declared(topic))
            found = await self._redis.hget(TOPICS, topic.name)
            known_topic(cast(bytes, found), wanted=topic)
            await self._redis.hset(TOPICS, topic.name, declared(topic))

    async def append(self, topic: Topic[object], shard: int, entries: Sequence[tuple[bytes, int]]) -> bool:
        """Keep entries in order, all or none; False when there is no room."""
        keys = Keys(topic.name, shard)
        groups = [keys.group(group) for group in topic.groups]
        flat = [part for entry in entries for part in entry]
        async with answering(self.url):
            return bool(
                await self._scripts("APPEND", [keys.events, keys.published, *groups], topic.limit, *flat)
            )

    async def append_late(self, topic: Topic[object], shard: int, entry: bytes, delay_s: float) -> None:
        """Keep an entry of one event, that comes after `delay_s` seconds."""
        async with answering(self.url):
            await self._scripts(
                "APPEND_LATE", [Keys(topic.name, shard).delayed], math.ceil(delay_s * 1e3), entry
            )

    async def divert(self, topic: Topic[object], letter: DeadLetter) -> None:
        """Keep a dead letter of a publisher."""
        async with answering(self.url):
            key = Keys(topic.name, letter.shard).dead(letter.group)
            await self._redis.hset(key, letter.event.id, encode_letter(letter))

    async def join(
        self, topic: Topic[object], group: str, on_held: Callable[[Held], None], prefetch: int
    ) -> RedisMember:
        """Become a consumer of `group`."""
        member = RedisMember(
            self._redis, self._scripts, self.url, topic, group, on_held, self.lease_s, prefetch
        )
        await member.start()
        return member

    async def topics(self) -> list[Topic[object]]:
        """Give the topics that were declared here."""
        async with answering(self.url):
            found: Any = await self._redis.hgetall(TOPICS)
        return [known_topic(packed) for _, packed in sorted(found.items())]

    async def letters(self, topic: Topic[object], group: str, most: int) -> list[DeadLetter]:
        """Give dead letters, the oldest first."""
        letters: list[DeadLetter] = []
        async with answering(self.url):
            for keys in Keys.all(topic):
                packed: Any = await self._redis.hvals(keys.dead(group))
                letters += map(decode_letter, packed)
        return sorted(letters, key=lambda letter: letter.ts)[:most]

    async def take_letters(
        self, topic: Topic[object], group: str, ids: Sequence[str] | None, *, replay: bool
    ) -> int:
        """Remove dead letters, replay them before; gives how many."""
        taken = 0
        for letter in await self.letters(topic, group, 1 << 31):
            if ids is not None and letter.event.id not in ids:
                continue
            keys = Keys(topic.name, letter.shard)
            async with answering(self.url):
                if replay:
                    entry = letter.event.body if not letter.event.type else pack([letter.event], group)[0][0]
                    keys_of = [keys.dead(group), keys.events, keys.published]
                    taken += cast(int, await self._scripts("REPLAY", keys_of, letter.event.id, entry))
                else:
                    taken += await self._redis.hdel(keys.dead(group), letter.event.id)
        return taken

    async def backlog(self, topic: Topic[object], group: str) -> Backlog:
        """Count what waits for a group in all shards."""
        async with answering(self.url):
            found = [await backlog_of(self._redis, keys, group) for keys in Keys.all(topic)]
        return Backlog(sum(one.events for one in found), max(one.oldest_s for one in found))

    async def answer(self, address: str, answer: bytes) -> None:
        """Send the answer of a request."""
        async with answering(self.url):
            await self._redis.lpush(address, answer)
            await self._redis.expire(address, ANSWER_KEPT_S)

    async def ask(self) -> Question:
        """Open a mailbox for one answer."""
        address = f"rtlab:bus:answer:{secrets.token_hex(16)}"
        step_s = 0.5  # below the client's time-out

        async def wait(seconds: float) -> bytes | None:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                async with answering(self.url):
                    found = await self._redis.brpop([address], timeout=min(step_s, left))
                if found is not None:
                    return cast(bytes, found[1])
            return None

        return Question(address, wait)
