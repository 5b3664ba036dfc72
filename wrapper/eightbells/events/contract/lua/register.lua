#!lua
-- register: names dispatches before their Jobs are created, and says until when a Job may still be created.
-- KEYS  cfg, open:<cluster>, then d, p of each dispatch
-- ARGV  cluster, then per dispatch: dispatch, namespace, job, job uid, deadline in (ms), create within (ms),
--       labels, context, callback, traceparent, rerun of, spec ('' where there is none)
-- No allow-oom: at maxmemory new work is refused.
local FIELDS = 12
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local open, cluster = KEYS[2], ARGV[1]
local verdict_age = tonumber(redis.call('HGET', KEYS[1], 'age:verdict') or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)

local longest = 0

-- Before the first dispatch is written: without its place in this set nobody would look at it.
redis.call('ZCARD', open)

local function register(i)
  local d, p = KEYS[1 + 2 * i], KEYS[2 + 2 * i]
  local at = 1 + (i - 1) * FIELDS
  local id, namespace, job, uid, deadline, create, labels, context, callback, traceparent, rerun_of, spec =
    unpack(ARGV, at + 1, at + FIELDS)
  local record = redis.call('HMGET', d, 'seq', 'end', 'v', 'cancel', 'reg', 'uid')
  local seq = tonumber(record[1] or 0)
  if record[2] then return {'ended', seq, record[3]} end
  if record[4] then return {'cancelling', seq} end
  -- Who registered first decides what is run under the id, also when he died before there was a Job to tell it by.
  local first = record[5] and spec ~= '' and redis.call('HGET', p, 'spec') or ''
  if first ~= '' and first ~= spec then return {'other', seq, first} end
  local create_before = now + tonumber(create)
  deadline = tonumber(deadline)
  local life = keep + deadline
  if not record[5] then
    seq = seq + 1
    redis.call('HSET', p, 'labels', labels, 'context', context, 'callback', callback, 'traceparent', traceparent,
      'rerun_of', rerun_of, 'spec', spec)
    redis.call('HSET', d, 'seq', seq, 'reg', now, 'cl', cluster, 'ns', namespace, 'job', job,
      'deadline', now + deadline)
  end
  redis.call('HSET', d, 'create', create_before)
  if uid ~= '' and not record[6] then redis.call('HSET', d, 'uid', uid) end
  for _, key in ipairs({d, p}) do
    if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, life) end
  end
  redis.call('ZADD', open, create_before, id)
  longest = math.max(longest, deadline)
  return {record[5] and 'known' or 'ok', seq, create_before, now, record[6] or uid}
end

if #ARGV ~= 1 + FIELDS * (#KEYS / 2 - 1) then
  return redis.error_reply('ERR register takes 2 KEYS and 12 ARGV for each dispatch')
end
local replies = {}
for i = 1, (#ARGV - 1) / FIELDS do
  local fine, reply = pcall(register, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
redis.call('ZREMRANGEBYSCORE', open, '-inf', now - keep)
if redis.call('PTTL', open) < keep + longest then redis.call('PEXPIRE', open, keep + longest) end
return replies
