"""What is done in Redis in one step. Each refuses who holds no lease any more, and counts that."""

COMMIT = """
-- keys: checkpoint lease results log
-- arguments: epoch, previous id, new id, state, results, rows, errors, kept, trim, attempted
local at = redis.call('HGET', KEYS[1], 'id') or '0-0'
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  redis.call('HINCRBY', KEYS[1], 'fenced', 1)
  local attempts = tonumber(redis.call('HGET', KEYS[1], 'attempts') or 0)
  if ARGV[10] == '1' and at == ARGV[2] and attempts > 0 then redis.call('HINCRBY', KEYS[1], 'attempts', -1) end
  return 'FENCED'
end
if at == ARGV[3] then return 'OK' end
if at ~= ARGV[2] then return 'MOVED ' .. at end
redis.call('HSET', KEYS[1], 'id', ARGV[3], 'state', ARGV[4], 'attempts', 0)
redis.call('HINCRBY', KEYS[1], 'rows', ARGV[6])
redis.call('HINCRBY', KEYS[1], 'errors', ARGV[7])
if #ARGV[5] > 0 then
  local before = redis.call('XLEN', KEYS[3])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[8], ARGV[3], 'r', ARGV[5])
  redis.call('HINCRBY', KEYS[1], 'cut', before + 1 - redis.call('XLEN', KEYS[3]))
end
if ARGV[9] == '1' then redis.call('XTRIM', KEYS[4], 'MINID', '~', ARGV[3]) end
return 'OK'
"""
"""Commits results, state and position at once; a commit that had got through before is OK, and changes nothing.

Who is refused after an attempt takes that back: it was not the entry that ended it.
"""

ATTEMPT = """
-- keys: checkpoint lease; arguments: epoch
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  redis.call('HINCRBY', KEYS[1], 'fenced', 1)
  return -1
end
return redis.call('HINCRBY', KEYS[1], 'attempts', 1)
"""
"""Counts an attempt at what follows the position; a commit sets it to 0."""

TAKE_BACK = """
-- key: checkpoint
if tonumber(redis.call('HGET', KEYS[1], 'attempts') or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'attempts', -1) end
return 0
"""
"""Takes an attempt back that ended with the connection, and not by the entry."""

BURY = """
-- keys: checkpoint lease dead; arguments: epoch, previous id, new id, entry, reason
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  redis.call('HINCRBY', KEYS[1], 'fenced', 1)
  return 'FENCED'
end
local at = redis.call('HGET', KEYS[1], 'id') or '0-0'
if at ~= ARGV[2] then return 'MOVED ' .. at end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, ARGV[3], 'd', ARGV[4], 'reason', ARGV[5])
redis.call('HSET', KEYS[1], 'id', ARGV[3], 'attempts', 0)
redis.call('HINCRBY', KEYS[1], 'dead', 1)
return 'OK'
"""
"""Puts an entry aside with its reason, and goes on after it."""

BEHIND = """return #redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', 100000)"""
"""Counts the entries after a position, up to 100,000."""

REGISTER = """
-- key: instruments; arguments: symbol, grid
local known = redis.call('HGET', KEYS[1], ARGV[1])
local number = known and string.match(known, '%d+$') or redis.call('HLEN', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. number)
return 0
"""
"""Notes an instrument, numbered in the order in which they came: that is what shards are told by."""
