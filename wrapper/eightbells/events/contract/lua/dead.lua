#!lua flags=allow-oom
-- dead: moves endings that a group could not take to its dead letters.
-- KEYS  cfg, todo:<group>, dlq:<group>, then d, p of each ending
-- ARGV  group, most dead letters to keep, their age (ms), then per ending: dispatch, fence, error, traceback
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local todo, dlq, group = KEYS[2], KEYS[3], 'g:' .. ARGV[1]
local ages = redis.call('HMGET', KEYS[1], 'age:payload', 'age:verdict')
local payload_age, verdict_age = tonumber(ages[1] or 3600000), tonumber(ages[2] or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)

local function bury(i)
  local at = 3 + (i - 1) * 4
  local d, p = KEYS[2 + 2 * i], KEYS[3 + 2 * i]
  local id, fence, problem, traceback = unpack(ARGV, at + 1, at + 4)
  local record = redis.call('HMGET', d, group, 'eid', 'v')
  local state, tries, held, first, rest = string.match(record[1] or '', '^(%a) (%d+) (%d+) %d+ (%d+) (.*)$')
  if held ~= fence then return {'lost'} end
  if state == 'd' then return {'dup'} end
  if state ~= 'h' then return {'lost'} end
  redis.call('XADD', dlq, 'MAXLEN', '~', ARGV[2], '*', 'k', id, 'i', record[2] or '', 'error', problem,
    'traceback', traceback, 'tries', tries, 'first', first, 'last', string.format('%.0f', now),
    'v', record[3] or '', 'd', redis.call('HGET', p, 'end') or '')
  redis.call('HSET', d, group, string.format('d %s %s %.0f %s %s', tries, fence, now, first, rest))
  redis.call('ZREM', todo, id)
  if redis.call('HINCRBY', d, 'owed', -1) <= 0 then
    redis.call('PEXPIRE', p, payload_age)
    redis.call('PEXPIRE', d, keep)
  end
  return {'ok'}
end

local replies = {}
for i = 1, (#ARGV - 3) / 4 do
  local fine, reply = pcall(bury, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
if redis.call('EXISTS', dlq) == 1 then
  redis.call('XTRIM', dlq, 'MINID', math.max(0, now - tonumber(ARGV[3])))
  redis.call('PEXPIRE', dlq, ARGV[3])
end
return replies
