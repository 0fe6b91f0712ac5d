"""A consumer among those of its group on Redis: who holds which shard, and what comes in late.

Theory of operation. Each member tells at every tick (a quarter of the lease) that it lives, and learns who else does.
In the order of their names, of S shards and M members, the first S mod M have one more than S div M. Who holds more
gives shards back, in order: nothing new is begun, what is under way is finished and committed. Who holds less takes
what nobody holds, also what a dead member's lease has run out on. So after a member came or went each key goes on
within a lease and a tick, and its order is kept, because nobody begins before the other has committed or is fenced.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from rtlab.bus.event import Topic
from rtlab.bus.redis_client import answering
from rtlab.bus.redis_held import RedisHeld, Scripts
from rtlab.bus.redis_keys import Keys, members_key
from rtlab.bus.transport import Backlog, Held
from rtlab.errors import FencedError, UnreachableError

log = logging.getLogger("rtlab.bus")

TICKS = 4  # a lease
SOON_S, LATE_S = (
    0.02,
    0.25,
)  # how often delayed events are looked for: what is put in now may be late by the latter


class RedisMember:
    """See `transport.Member`."""

    def __init__(
        self,
        redis: Redis,
        scripts: Scripts,
        url: str,
        topic: Topic[object],
        group: str,
        on_held: Callable[[Held], None],
        lease_s: float,
        prefetch: int,
    ) -> None:
        self.name = secrets.token_hex(8)
        self._redis, self._scripts, self._url = redis, scripts, url
        self._topic, self._group, self._on_held, self._prefetch = topic, group, on_held, prefetch
        self._lease_ms, self._tick_s = int(lease_s * 1e3), lease_s / TICKS
        self._held: dict[int, RedisHeld] = {}
        self._backlog = Backlog(0, 0.0)
        self._left = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin; UnreachableError when the server does not answer at the first tick."""
        await self._tick()
        self._tasks = [asyncio.create_task(self._tick_on()), asyncio.create_task(self._move_on())]

    async def leave(self) -> None:
        """Be a member no more, so that the others need not wait for it to be forgotten."""
        self._left = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(UnreachableError):  # it will be forgotten
            async with answering(self._url):
                await self._redis.zrem(members_key(self._topic.name, self._group), self.name)

    def backlog(self) -> Backlog:
        """Give what waited in the shards held, at the last tick."""
        return self._backlog

    async def _tick_on(self) -> None:
        while not self._left:  # the client of Redis may lose a cancellation that meets an answer
            await asyncio.sleep(self._tick_s)
            try:
                await self._tick()
            except UnreachableError as problem:
                log.warning("%s", problem)

    async def _tick(self) -> None:
        async with answering(self._url):
            await self._renew()
            members = await self._scripts(
                "JOIN", [members_key(self._topic.name, self._group)], self.name, self._lease_ms
            )
            await self._balance([name.decode() for name in cast("list[bytes]", members)])
            await self._look()

    async def _renew(self) -> None:
        for shard, held in list(self._held.items()):
            if held.released or held.is_lost:
                del self._held[shard]
                continue
            try:
                await held.renew()
            except FencedError as problem:
                log.warning("%s", problem)
                del self._held[shard]

    async def _balance(self, members: list[str]) -> None:
        first, quota = share(self.name, members, self._topic.shards)
        keep = [held for held in self._held.values() if not held.is_leaving]
        for held in keep[quota:]:
            held.is_leaving = True
        for step in range(self._topic.shards):
            if len(self._held) >= quota:
                return
            shard = (first + step) % self._topic.shards
            if shard not in self._held:
                await self._acquire(shard)

    async def _acquire(self, shard: int) -> None:
        asked = time.monotonic()
        key = Keys(self._topic.name, shard).group(self._group)
        grant = await self._scripts("ACQUIRE", [key], self.name, self._lease_ms)
        if grant is None:
            return
        token, at, stuck, mark = cast("tuple[int, bytes, int, bytes]", grant)
        held = RedisHeld(
            self._redis,
            self._scripts,
            self._topic,
            self._group,
            shard,
            url=self._url,
            lease_ms=self._lease_ms,
            asked=asked,
            grant=(token, at.decode(), bool(stuck), mark),
            suspects=self._prefetch,
        )
        self._held[shard] = held
        self._on_held(held)

    async def _look(self) -> None:
        found = [
            await backlog_of(self._redis, Keys(self._topic.name, shard), self._group)
            for shard in list(self._held)
        ]
        self._backlog = Backlog(
            sum(one.events for one in found), max((one.oldest_s for one in found), default=0.0)
        )

    async def _move_on(self) -> None:
        while not self._left:  # the client of Redis may lose a cancellation that meets an answer
            wait_s = LATE_S
            try:
                async with answering(self._url):
                    for shard in list(self._held):
                        keys = Keys(self._topic.name, shard)
                        due = await self._scripts("MOVE", [keys.delayed, keys.events, keys.published])
                        if (ms := cast(int, due)) >= 0:
                            wait_s = min(wait_s, max(SOON_S, ms / 1e3))
            except UnreachableError:
                pass  # the tick says so
            await asyncio.sleep(wait_s)


def share(name: str, members: Sequence[str], shards: int) -> tuple[int, int]:
    """Give the shard that `name` asks for first and how many it may hold, in whatever order the members come."""
    rank, many = sorted(members).index(name), len(members)
    return rank * shards // many, shards // many + (rank < shards % many)


async def backlog_of(redis: Redis, keys: Keys, group: str) -> Backlog:
    """Count what a group has not finished of one shard, and give the oldest one's age by the server's clock."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.get(keys.published)
    pipeline.hmget(keys.group(group), ["done", "at"])
    pipeline.time()
    published, (done, at), (seconds, micros) = await pipeline.execute()
    waiting = int(published or 0) - int(done or 0)
    if waiting <= 0:
        return Backlog(0, 0.0)
    first: Any = await redis.xrange(keys.events, "(" + at.decode() if at else "-", "+", count=1)
    if not first:
        return Backlog(waiting, 0.0)
    born_ms = int(first[0][0].partition(b"-")[0])
    return Backlog(waiting, max(0.0, seconds + micros / 1e6 - born_ms / 1e3))
