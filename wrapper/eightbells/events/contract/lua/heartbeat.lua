#!lua flags=allow-oom
-- heartbeat: says that runs are alive, and learns whether their dispatches have ended or are being cancelled.
-- KEYS  cfg, then d, p, hb of each run
-- ARGV  life of the heartbeat (ms), then what it says, one per run
local verdict_age = tonumber(redis.call('HGET', KEYS[1], 'age:verdict') or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)

local function beat(i)
  local d, p, hb = KEYS[3 * i - 1], KEYS[3 * i], KEYS[3 * i + 1]
  local record = redis.call('HMGET', d, 'seq', 'end', 'v', 'cancel')
  if record[2] then return {'terminal', record[3]} end
  redis.call('SET', hb, ARGV[1 + i], 'PX', ARGV[1])
  for _, key in ipairs({d, p}) do
    local left = redis.call('PTTL', key)
    if left > 0 and left < keep then redis.call('PEXPIRE', key, keep) end
  end
  return {record[4] and 'cancelling' or 'ok', tonumber(record[1] or 0)}
end

local replies = {}
for i = 1, #ARGV - 1 do
  local fine, reply = pcall(beat, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
return replies
