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

-- Taken from the queue at once, after the endings; that it is a set is asked before the first of them.
local settled = {}
redis.call('ZCARD', todo)

local function commit(i)
  local d, p, id, fence = KEYS[1 + 2 * i], KEYS[2 + 2 * i], ARGV[2 * i], ARGV[1 + 2 * i]
  local record = redis.call('HMGET', d, group, 'owed')
  local state, tries, held, first, rest = string.match(record[1] or '', '^(%a) (%d+) (%d+) %d+ (%d+) (.*)$')
  if held ~= fence then return {'lost'} end
  if state == 'c' then return {'dup'} end
  if state ~= 'h' then return {'lost'} end
  local owed = tonumber(record[2] or 0) - 1
  redis.call('HSET', d, group, string.format('c %s %s %.0f %s %s', tries, fence, now, first, rest), 'owed', owed)
  table.insert(settled, id)
  if owed <= 0 then
    redis.call('PEXPIRE', p, payload_age)
    redis.call('PEXPIRE', d, keep)
  end
  return {'ok'}
end

-- Refused whole, before anything is written: Lua cannot pass on more arguments than its stack holds.
local endings = (#ARGV - 1) / 2
if endings > 500 or #KEYS ~= 2 + 2 * endings then
  return redis.error_reply('ERR commit takes at most 500 endings, each with 2 KEYS and 2 ARGV')
end
local replies = {}
for i = 1, endings do
  local fine, reply = pcall(commit, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
if #settled > 0 then redis.call('ZREM', todo, unpack(settled)) end
return replies
