#!lua flags=allow-oom
-- look: takes open dispatches that somebody should look at, and moves each on to its next time.
-- KEYS  cfg, open:<cluster>, then d of each dispatch
-- ARGV  next look in (ms), then the dispatches
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local open = KEYS[2]
local verdict_age = tonumber(redis.call('HGET', KEYS[1], 'age:verdict') or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)

local function look(i)
  local d, id = KEYS[2 + i], ARGV[1 + i]
  local record = redis.call('HMGET', d, 'seq', 'end', 'v', 'cl', 'ns', 'job', 'uid', 'create', 'deadline', 'cancel',
    'n')
  if not record[1] or record[2] then
    redis.call('ZREM', open, id)
    return record[2] and {'ended', tonumber(record[1]), record[3]} or {'gone'}
  end
  local score = tonumber(redis.call('ZSCORE', open, id) or now)
  if score > now then return {'early', score - now} end
  redis.call('ZADD', open, now + tonumber(ARGV[1]), id)
  return {'due', tonumber(record[1]), record[4] or '', record[5] or '', record[6] or '', record[7] or '',
    tonumber(record[8] or 0), tonumber(record[9] or 0), tonumber(record[10] or 0), tonumber(record[11] or 0), now}
end

local replies = {}
for i = 1, #ARGV - 1 do
  local fine, reply = pcall(look, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
if redis.call('PTTL', open) < keep then redis.call('PEXPIRE', open, keep) end
return replies
