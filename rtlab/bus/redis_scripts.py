"""What the bus does in one step on Redis: scripts, so that a lease that was lost can write nothing more.

A shard's keys share a hash tag. `KEYS[1]` of the fenced scripts is the group's hash: `epoch` (the fencing token, it
only grows), `owner` and `until` (the lease, by the server's clock), `open` (who holds it and has not given it back),
`began` (`at` when it was acquired), `at` and `done` (the last finished entry, the number of finished events), `mark`,
`refused`. All that make room, or need none, run when the memory is full; what brings events in does not.
"""

_ANYWAY = "#!lua flags=allow-oom\n"
_FENCE = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  redis.call('HINCRBY', KEYS[1], 'refused', 1)
  return 0
end
"""
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

APPEND = """
local published = tonumber(redis.call('GET', KEYS[2]) or '0')
local least = published
for i = 3, #KEYS do
  least = math.min(least, tonumber(redis.call('HGET', KEYS[i], 'done') or '0'))
end
if published - least >= tonumber(ARGV[1]) then return 0 end
local events = 0
for i = 2, #ARGV, 2 do
  redis.call('XADD', KEYS[1], '*', 'e', ARGV[i], 'n', ARGV[i + 1])
  events = events + tonumber(ARGV[i + 1])
end
redis.call('INCRBY', KEYS[2], events)
return 1
"""
"""KEYS: stream, published, the groups' hashes. ARGV: limit, then payload and number of events of each entry."""

APPEND_LATE = _NOW + "return redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[2])"
"""KEYS: delayed. ARGV: delay in ms, entry."""

MOVE = (
    _NOW
    + """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 500)
for _, entry in ipairs(due) do
  redis.call('XADD', KEYS[2], '*', 'e', entry, 'n', 1)
  redis.call('ZREM', KEYS[1], entry)
end
if #due > 0 then redis.call('INCRBY', KEYS[3], #due) end
local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if #next == 0 then return -1 end
return math.max(0, tonumber(next[2]) - now)
"""
)
"""KEYS: delayed, stream, published. Brings in what is due; gives the ms until the next is, or -1."""

ACQUIRE = (
    _ANYWAY
    + _NOW
    + """
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] and tonumber(redis.call('HGET', KEYS[1], 'until')) > now then return false end
local open = redis.call('HGET', KEYS[1], 'open')
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local at = redis.call('HGET', KEYS[1], 'at') or '0-0'
local stuck = 0
if open and open ~= ARGV[1] and redis.call('HGET', KEYS[1], 'began') == at then stuck = 1 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', now + tonumber(ARGV[2]), 'open', ARGV[1], 'began', at)
return {epoch, at, stuck, redis.call('HGET', KEYS[1], 'mark') or ''}
"""
)
"""KEYS: group. ARGV: owner, lease in ms. Gives token, position, whether who held it died without progress, mark.

Gives nothing while another holds it.
"""

RENEW = (
    _ANYWAY
    + _NOW
    + """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', now + tonumber(ARGV[2]))
return 1
"""
)
"""KEYS: group. ARGV: token, lease in ms."""

RELEASE = (
    _ANYWAY
    + """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'until', 'open', 'mark')
return 1
"""
)
"""KEYS: group. ARGV: token."""

COMMIT = (
    _ANYWAY
    + _FENCE
    + """
redis.call('HSET', KEYS[1], 'at', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'done', ARGV[3])
local least, ms, seq = ARGV[2], nil, nil
for i = 3, #KEYS do
  local at = redis.call('HGET', KEYS[i], 'at')
  if not at then return 1 end
  if not ms then ms, seq = string.match(least, '(%d+)-(%d+)') ms, seq = tonumber(ms), tonumber(seq) end
  local m, s = string.match(at, '(%d+)-(%d+)')
  m, s = tonumber(m), tonumber(s)
  if m < ms or (m == ms and s < seq) then least, ms, seq = at, m, s end
end
redis.call('XTRIM', KEYS[2], 'MINID', '~', least)
return 1
"""
)
"""KEYS: group, stream, the other groups. ARGV: token, position, events. Trims what all groups have finished."""

BURY = _FENCE + "redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) return 1"
"""KEYS: group, dead letters. ARGV: token, event id, letter. The same event twice is one letter."""

MARK = _ANYWAY + _FENCE + "redis.call('HSET', KEYS[1], 'mark', ARGV[2]) return 1"
"""KEYS: group. ARGV: token, mark."""

JOIN = (
    _ANYWAY
    + _NOW
    + """
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
)
"""KEYS: members. ARGV: member, how long it is one (ms). Gives all members, in no certain order."""

REPLAY = """
local letter = redis.call('HGET', KEYS[1], ARGV[1])
if not letter then return 0 end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2], 'n', 1)
redis.call('INCRBY', KEYS[3], 1)
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
"""
"""KEYS: dead letters, stream, published. ARGV: event id, entry."""
