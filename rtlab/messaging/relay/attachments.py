"""Attachments on Redis: encrypted chunks under a random name, which only those know who were told it in a message.

p:att:<name>    hash: owner, size, next (the first chunk that is missing), and the chunks by their index
p:atts:<who>    sorted set of names with what they take, by the second at which they go; p:attbytes:<who> its sum
                (who is an account, or empty for all)
"""

import re
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis

from rtlab.messaging.encryption.files import LARGEST, SEALED, sealed_size
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.messages import Attach, Done, Fetch, Put

LARGEST_SEALED = sealed_size(LARGEST)
_LEAST = (
    16_384  # bytes that one attachment takes of what an account may keep, so that their number is bounded too
)
_NAME = re.compile(r"[0-9a-f]{32}")

ATTACH = """
local p, account, name, size = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local now, life = tonumber(ARGV[5]), tonumber(ARGV[6])
local key = p .. ':att:' .. name
local owner = redis.call('HGET', key, 'owner')
if owner then
  if owner ~= account or tonumber(redis.call('HGET', key, 'size')) ~= size then return 'form' end
  return tonumber(redis.call('HGET', key, 'next'))
end
local takes = math.max(size, tonumber(ARGV[9]))
local function kept(who)
  local all, sum = p .. ':atts:' .. who, p .. ':attbytes:' .. who
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', all, '-inf', now)) do
    redis.call('DECRBY', sum, string.match(one, ' (%d+)$'))
  end
  redis.call('ZREMRANGEBYSCORE', all, '-inf', now)
  return tonumber(redis.call('GET', sum) or '0')
end
if kept(account) + takes > tonumber(ARGV[7]) or kept('') + takes > tonumber(ARGV[8]) then return 'full' end
for _, who in ipairs({account, ''}) do
  redis.call('ZADD', p .. ':atts:' .. who, now + life, name .. ' ' .. takes)
  redis.call('INCRBY', p .. ':attbytes:' .. who, takes)
end
redis.call('HSET', key, 'owner', account, 'size', size, 'next', 0)
redis.call('EXPIRE', key, life)
return 0
"""
"""ARGV: prefix, account, name, size, now, life (s), most bytes of an account and of all, least that one takes.

Gives the index of the first chunk that is missing, or why it is refused.
"""

PUT = """
local key, account, index, chunk, sealed = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
if redis.call('HGET', key, 'owner') ~= account then return 'absent' end
local size = tonumber(redis.call('HGET', key, 'size'))
local last = math.max(0, math.ceil(size / sealed) - 1)
local expected = sealed
if index == last then expected = size - last * sealed end
if index > last or #chunk ~= expected then return 'size' end
redis.call('HSETNX', key, index, chunk)
local nxt = tonumber(redis.call('HGET', key, 'next'))
while redis.call('HEXISTS', key, nxt) == 1 do nxt = nxt + 1 end
redis.call('HSET', key, 'next', nxt)
return nxt
"""
"""ARGV: key, account, index, chunk, bytes of every chunk but the last. A chunk that is there stays as it is."""


class Attachments:
    """The attachments under a prefix of one Redis; redis' errors when it does not answer."""

    def __init__(self, redis: Redis, prefix: str, limits: RelayLimits, wall: Callable[[], float]) -> None:
        self._redis, self._p, self._limits, self._wall = redis, prefix, limits, wall

    async def load(self) -> None:
        """Make the scripts known."""
        self._attach = self._redis.register_script(ATTACH)
        self._put = self._redis.register_script(PUT)

    async def attach(self, account: str, request: Attach) -> Done | str:
        """Begin an attachment, or go on with it: tell the first chunk that is missing; a code when it may not be."""
        if not _NAME.fullmatch(request.blob):
            return "form"
        if not 0 < request.size <= LARGEST_SEALED:
            return "size"
        limits = self._limits
        most = (limits.attachment_life_s, limits.attachments_bytes, limits.attachments_total_bytes, _LEAST)
        told = await self._attach(
            args=[self._p, account, request.blob, request.size, int(self._wall()), *most]
        )
        return _told(request.n, told)

    async def put(self, account: str, request: Put) -> Done | str:
        """Keep a chunk of an attachment that this account has begun."""
        told = await self._put(args=[self._key(request.blob), account, request.index, request.data, SEALED])
        return _told(request.n, told)

    async def fetch(self, request: Fetch) -> Done | str:
        """Give a chunk, to whoever knows the name."""
        chunk: Any = await self._redis.hget(self._key(request.blob), str(request.index))
        return "absent" if chunk is None else Done(request.n, data=chunk)

    def _key(self, name: str) -> str:
        return f"{self._p}:att:{name}"


def _told(n: int, told: Any) -> Done | str:
    return told.decode() if isinstance(told, bytes) else Done(n, stored=int(told))
