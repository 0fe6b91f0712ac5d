"""One shard of a topic, leased and fenced, on Redis."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from rtlab.bus import redis_scripts
from rtlab.bus.event import Topic
from rtlab.bus.letters import encode_letter
from rtlab.bus.redis_client import answering
from rtlab.bus.redis_keys import Keys
from rtlab.bus.transport import DeadLetter, Taken
from rtlab.errors import FencedError

MOST_READ_MS = 500  # below the client's time-out
READ_ENTRIES = 64

Run = Callable[..., Awaitable[object]]


class Scripts:
    """The scripts, ready to be called with `keys` and `args` on one client."""

    def __init__(self, redis: Redis) -> None:
        names = [name for name in vars(redis_scripts) if name.isupper() and not name.startswith("_")]
        self._scripts = {
            name: cast(Run, redis.register_script(getattr(redis_scripts, name))) for name in names
        }

    async def __call__(self, name: str, keys: Sequence[str], *args: object) -> object:
        """Run one."""
        return await self._scripts[name](keys=list(keys), args=list(args))


class RedisHeld:
    """A shard between `acquire` and `release`, or the moment when another took it. See `transport.Held`.

    The lease runs by the server's clock; here it is taken to have begun when the question was sent, so that it
    never seems longer than it is. Where who held it before died and had got nowhere, what comes first is suspect, as
    much as a consumer holds at a time: an event that kills its worker keeps the position where it is.
    """

    def __init__(
        self,
        redis: Redis,
        scripts: Scripts,
        topic: Topic[object],
        group: str,
        shard: int,
        *,
        url: str,
        lease_ms: int,
        asked: float,
        grant: tuple[int, str, bool, bytes],
        suspects: int,
    ) -> None:
        self.shard, self.is_leaving = shard, False
        self._lease_ms, self._until = lease_ms, asked + lease_ms / 1e3
        self._read_ms = max(20, min(MOST_READ_MS, lease_ms // 4))
        self.token, self._read_to, stuck, self._mark = grant
        self._suspects = suspects if stuck else 0
        self._redis, self._scripts, self._url = redis, scripts, url
        self._keys, self._group = Keys(topic.name, shard), group
        self._key = self._keys.group(group)
        self._others = [self._keys.group(other) for other in topic.groups if other != group]
        self.released = self.is_lost = False

    @property
    def is_held(self) -> bool:
        """Tell whether the lease lasts."""
        return not (self.is_lost or self.released) and time.monotonic() < self._until

    async def read(self) -> Sequence[Taken]:
        """Give what came next; waits a moment, at most MOST_READ_MS."""
        async with answering(self._url):
            found: Any = await self._redis.xread(
                {self._keys.events: self._read_to}, count=READ_ENTRIES, block=self._read_ms
            )
        taken = []
        for entry_id, fields in found[0][1] if found else ():
            position, events = entry_id.decode(), int(fields[b"n"])
            taken.append(Taken(position, events, fields[b"e"], suspect=self._suspects > 0))
            self._suspects -= events
            self._read_to = position
        return taken

    async def renew(self) -> None:
        """Hold it for another lease; FencedError when another took it."""
        asked = time.monotonic()
        if not await self._scripts("RENEW", [self._key], self.token, self._lease_ms):
            self.is_lost = True
            raise self._fenced()
        self._until = asked + self._lease_ms / 1e3

    async def commit(self, position: str, events: int) -> None:
        """Note that all up to `position` is finished."""
        await self._write("COMMIT", [self._key, self._keys.events, *self._others], position, events)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        keys = [self._key, self._keys.dead(self._group)]
        await self._write("BURY", keys, letter.event.id, encode_letter(letter))

    async def note(self, mark: bytes) -> None:
        """Keep `mark` for the next holder."""
        await self._write("MARK", [self._key], mark)

    async def marked(self) -> bytes:
        """Give what was noted last before this one held it."""
        return self._mark

    async def release(self) -> None:
        """Give the shard back in order; nothing happens when another took it."""
        self.released = True
        async with answering(self._url):
            await self._scripts("RELEASE", [self._key], self.token)

    async def _write(self, name: str, keys: Sequence[str], *args: object) -> None:
        async with answering(self._url):
            done = await self._scripts(name, keys, self.token, *args)
        if not done:
            self.is_lost = True
            raise self._fenced()

    def _fenced(self) -> FencedError:
        return FencedError(f"another consumer of {self._group} holds shard {self.shard} now")
