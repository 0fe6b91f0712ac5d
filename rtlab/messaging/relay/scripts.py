"""What the relay does in one step on Redis. All keys of a relay are on one server; `p` is their prefix.

p:dev:<device>             hash: account, seq (the last cursor)
p:box:<device>             stream of envelopes, the cursor is the id's first number
p:seen:<device>:<sender>   sorted set: identifiers of one sender by cursor, so that no sender pushes out another's
p:acct:<account>           hash: heads of strangers are counted in p:new:<account>
p:ok:<account>, p:no:<account>   sets of accounts that it has accepted, blocked
p:log:<account>            list: the entries of its log
p:devs:<account>           set of its devices;  p:gone: set of all that were revoked
p:kp:<device>, p:last:<device>   list of key packages, and the last resort
p:grp:<group>              hash: epoch (the next to be ended), id (of the last commit);  p:in:<group> set of members
"""

_PLACE = """
local function place(p, device, sender, account, ident, envelope, mailbox, few, many, memory, ttl, dry)
  local to = redis.call('HGET', p .. ':dev:' .. device, 'account')
  if not to then return 'unknown' end
  local seen = p .. ':seen:' .. device .. ':' .. sender
  local had = redis.call('ZSCORE', seen, ident)
  if had then return -tonumber(had) end
  local box, stranger = p .. ':box:' .. device, ''
  if to ~= account and redis.call('SISMEMBER', p .. ':ok:' .. to, account) == 0 then
    if redis.call('SISMEMBER', p .. ':no:' .. to, account) == 1 then return 'blocked' end
    stranger = account
    local count = tonumber(redis.call('HGET', p .. ':new:' .. to, account .. ' ' .. device) or '0')
    if count >= few then return 'stranger' end
    if count == 0 and redis.call('HLEN', p .. ':new:' .. to) >= many then return 'stranger' end
  end
  if redis.call('XLEN', box) >= mailbox then return 'full' end
  if dry then return 0 end
  if stranger ~= '' then redis.call('HINCRBY', p .. ':new:' .. to, account .. ' ' .. device, 1) end
  local n = redis.call('HINCRBY', p .. ':dev:' .. device, 'seq', 1)
  redis.call('XADD', box, n .. '-0', 'e', envelope, 's', stranger)
  redis.call('ZADD', seen, n, ident)
  redis.call('ZREMRANGEBYRANK', seen, 0, -memory - 1)
  redis.call('EXPIRE', seen, ttl)
  return {n, stranger}
end
"""

STORE = (
    _PLACE
    + """
local p, mailbox, few, many = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local memory, ttl = tonumber(ARGV[5]), tonumber(ARGV[6])
local out = {}
for i = 7, #ARGV, 5 do
  out[#out + 1] = place(p, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], mailbox, few, many, memory, ttl)
end
return out
"""
)
"""ARGV: prefix, five bounds, then device, sender, its account, identifier and envelope of each.

Gives for each {cursor, stranger}, -cursor for a duplicate, or why it is refused.
"""

COMMIT = (
    _PLACE
    + """
local p, mailbox, few, many = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local memory, ttl = tonumber(ARGV[5]), tonumber(ARGV[6])
local sender, account, ident, envelope, epoch = ARGV[7], ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[12])
local group, members = p .. ':grp:' .. ARGV[11], p .. ':in:' .. ARGV[11]
local at = redis.call('HGET', group, 'epoch')
if at and redis.call('HGET', group, 'id') == ident then return {'again', at} end
if at and redis.call('SISMEMBER', members, sender) == 0 then return {'member', -1} end
if at and tonumber(at) ~= epoch then return {'stale', at} end
local count = tonumber(ARGV[13])
for i = 14, 13 + count do
  local can = place(p, ARGV[i], sender, account, ident, envelope, mailbox, few, many, memory, ttl, true)
  if type(can) == 'string' then return {can, -1} end
end
local out = {'done', epoch + 1}
for i = 14, 13 + count do
  out[#out + 1] = place(p, ARGV[i], sender, account, ident, envelope, mailbox, few, many, memory, ttl)
end
redis.call('HSET', group, 'epoch', epoch + 1, 'id', ident)
redis.call('DEL', members)
for i = 14 + count, #ARGV do redis.call('SADD', members, ARGV[i]) end
redis.call('EXPIRE', group, 31536000)
redis.call('EXPIRE', members, 31536000)
return out
"""
)
"""ARGV: as STORE, then sender, account, identifier, envelope, group, epoch, number of recipients, they, the members.

All recipients get the commit, or none does. Gives what happened and the epoch, then as STORE for each recipient.
"""

REGISTER = """
local p, account, device, binding = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('SISMEMBER', p .. ':gone', device) == 1 then return {'revoked'} end
local log, devices = p .. ':log:' .. account, p .. ':devs:' .. account
if redis.call('HGET', p .. ':dev:' .. device, 'binding') ~= binding then
  if redis.call('LLEN', log) ~= tonumber(ARGV[5]) then return {'again'} end
  if redis.call('LLEN', log) >= tonumber(ARGV[8]) then return {'full'} end
  if redis.call('SISMEMBER', devices, device) == 0 and redis.call('SCARD', devices) >= tonumber(ARGV[7]) then
    return {'full'}
  end
  redis.call('RPUSH', log, ARGV[6])
  redis.call('SADD', devices, device)
  redis.call('HSET', p .. ':dev:' .. device, 'account', account, 'binding', binding)
end
local seq = redis.call('HGET', p .. ':dev:' .. device, 'seq') or '0'
return {'done', tonumber(seq), redis.call('LLEN', p .. ':kp:' .. device)}
"""
"""ARGV: prefix, account, device, binding, expected length of the log, entry, most devices, longest log."""

REVOKE = """
local p, account, device = ARGV[1], ARGV[2], ARGV[3]
local log = p .. ':log:' .. account
if redis.call('SISMEMBER', p .. ':gone', device) == 1 then return 'done' end
if redis.call('LLEN', log) ~= tonumber(ARGV[4]) then return 'again' end
if redis.call('SISMEMBER', p .. ':devs:' .. account, device) == 0 then return 'unknown' end
redis.call('RPUSH', log, ARGV[5])
redis.call('SADD', p .. ':gone', device)
redis.call('SREM', p .. ':devs:' .. account, device)
redis.call('DEL', p .. ':dev:' .. device, p .. ':box:' .. device, p .. ':kp:' .. device, p .. ':last:' .. device)
return 'done'
"""
"""ARGV: prefix, account, device, expected length of the log, entry."""

CLAIM = """
local p, account, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local out = {}
for _, device in ipairs(redis.call('SMEMBERS', p .. ':devs:' .. account)) do
  local rate = p .. ':claims:' .. account
  local package = false
  if tonumber(redis.call('GET', rate) or '0') < most then package = redis.call('LPOP', p .. ':kp:' .. device) end
  if package then
    if redis.call('INCR', rate) == 1 then redis.call('EXPIRE', rate, 3600) end
  else
    package = redis.call('GET', p .. ':last:' .. device)
  end
  if package then out[#out + 1] = device out[#out + 1] = package end
end
return out
"""
"""ARGV: prefix, account, one-time packages that may be taken in an hour. Gives device, package, ..."""

CONSENT = """
local p, account, other, verdict = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('SREM', p .. ':ok:' .. account, other)
redis.call('SREM', p .. ':no:' .. account, other)
if verdict == 'accept' then redis.call('SADD', p .. ':ok:' .. account, other) end
if verdict == 'block' then redis.call('SADD', p .. ':no:' .. account, other) end
for _, device in ipairs(redis.call('SMEMBERS', p .. ':devs:' .. account)) do
  redis.call('HDEL', p .. ':new:' .. account, other .. ' ' .. device)
end
return 1
"""
"""ARGV: prefix, account, the other, accept, block or forget."""
