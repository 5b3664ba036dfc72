#!lua flags=allow-oom
-- commit: records that a group has handled endings; each counts once.
-- KEYS  cfg, todo:<group>, then d, p of each ending
-- ARGV  group, then per ending: dispatch, fence
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local todo, group = KEYS[2], 'g:' .. ARGV[1]
local ages = redis.call('HMGET', KEYS[1], 'age:payload', 'age:verdict')
local payload_age, verdict_age = tonumber(ages[1] or 3600000), tonumber(ages[2] or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)

local function commit(i)
  local d, p, id, fence = KEYS[1 + 2 * i], KEYS[2 + 2 * i], ARGV[2 * i], ARGV[1 + 2 * i]
  local state, tries, held, first, rest =
    string.match(redis.call('HGET', d, group) or '', '^(%a) (%d+) (%d+) %d+ (%d+) (.*)$')
  if held ~= fence then return {'lost'} end
  if state == 'c' then return {'dup'} end
  if state ~= 'h' then return {'lost'} end
  redis.call('HSET', d, group, string.format('c %s %s %.0f %s %s', tries, fence, now, first, rest))
  redis.call('ZREM', todo, id)
  if redis.call('HINCRBY', d, 'owed', -1) <= 0 then
    redis.call('PEXPIRE', p, payload_age)
    redis.call('PEXPIRE', d, keep)
  end
  return {'ok'}
end

local replies = {}
for i = 1, (#ARGV - 1) / 2 do
  local fine, reply = pcall(commit, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
return replies
