#!lua flags=allow-oom
-- cancel: marks dispatches as being cancelled, and says where their Jobs are.
-- KEYS  cfg, open:<cluster>, then d of each dispatch
-- ARGV  the dispatches
-- A dispatch nobody has heard of is marked too: its register may be on the way.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local set = redis.call('HMGET', KEYS[1], 'age:verdict', 'patience')
local verdict_age, patience = tonumber(set[1] or 604800000), tonumber(set[2] or 30000)
local keep = verdict_age + math.floor(verdict_age / 7)

local function cancel(i)
  local d, id = KEYS[2 + i], ARGV[i]
  local record = redis.call('HMGET', d, 'seq', 'end', 'v', 'cancel', 'cl', 'ns', 'job', 'uid')
  local seq = tonumber(record[1] or 0)
  if record[2] then return {'ended', seq, record[3]} end
  local place = {record[5] or '', record[6] or '', record[7] or '', record[8] or ''}
  if record[4] then return {'known', seq, unpack(place)} end
  redis.call('HSET', d, 'seq', seq + 1, 'cancel', now)
  if redis.call('PTTL', d) < keep then redis.call('PEXPIRE', d, keep) end
  redis.call('ZADD', KEYS[2], now + patience, id)
  return {'ok', seq + 1, unpack(place)}
end

local replies = {}
for i = 1, #ARGV do
  local fine, reply = pcall(cancel, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
if redis.call('PTTL', KEYS[2]) < keep then redis.call('PEXPIRE', KEYS[2], keep) end
return replies
