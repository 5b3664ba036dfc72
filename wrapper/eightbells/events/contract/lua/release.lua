#!lua flags=allow-oom
-- release: gives leases back; each ending is due again after its delay.
-- KEYS  cfg, todo:<group>, then d, p of each ending
-- ARGV  group, then per ending: dispatch, fence, delay (ms), 1 if this try is not to count
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local todo, group = KEYS[2], 'g:' .. ARGV[1]
local set = redis.call('HMGET', KEYS[1], 'age:verdict', group)
local verdict_age, registered = tonumber(set[1] or 604800000), set[2]
local keep = verdict_age + math.floor(verdict_age / 7)

local function release(i)
  local at = 1 + (i - 1) * 4
  local d, p = KEYS[1 + 2 * i], KEYS[2 + 2 * i]
  local id, fence, delay, refund = unpack(ARGV, at + 1, at + 4)
  local tries, held, first, rest = string.match(redis.call('HGET', d, group) or '', '^h (%d+) (%d+) %d+ (%d+) (.*)$')
  if held ~= fence or not registered then return {'lost'} end
  local due = now + tonumber(delay)
  redis.call('HSET', d, group, string.format('w %d %s %.0f %s %s', tries - tonumber(refund), fence, due, first, rest))
  redis.call('ZADD', todo, due, id)
  redis.call('PEXPIRE', d, keep + tonumber(delay))
  redis.call('PEXPIRE', p, keep + tonumber(delay))
  return {'ok'}
end

local replies = {}
for i = 1, (#ARGV - 1) / 4 do
  local fine, reply = pcall(release, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
return replies
