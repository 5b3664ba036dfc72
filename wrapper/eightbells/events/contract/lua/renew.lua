#!lua flags=allow-oom
-- renew: keeps the leases of endings that are still being handled.
-- KEYS  cfg, todo:<group>, then d, p of each ending
-- ARGV  group, lease (ms), then per ending: dispatch, fence
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local todo, group, lease = KEYS[2], 'g:' .. ARGV[1], tonumber(ARGV[2])
local set = redis.call('HMGET', KEYS[1], 'age:verdict', group)
local verdict_age, registered = tonumber(set[1] or 604800000), set[2]
local keep = verdict_age + math.floor(verdict_age / 7)

local function renew(i)
  local d, p, id, fence = KEYS[1 + 2 * i], KEYS[2 + 2 * i], ARGV[1 + 2 * i], ARGV[2 + 2 * i]
  local tries, held, first, owner =
    string.match(redis.call('HGET', d, group) or '', '^h (%d+) (%d+) %d+ (%d+) %d+ (.*)$')
  if held ~= fence or not registered then return {'lost'} end
  redis.call('HSET', d, group, string.format('h %s %s %.0f %s %d %s', tries, fence, now + lease, first, lease, owner))
  redis.call('ZADD', todo, now + lease, id)
  redis.call('PEXPIRE', d, keep)
  redis.call('PEXPIRE', p, keep)
  return {'ok'}
end

local replies = {}
for i = 1, (#ARGV - 2) / 2 do
  local fine, reply = pcall(renew, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
return replies
