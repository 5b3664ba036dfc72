#!lua
-- publish: accepts events, one reply each; the first ending of a dispatch wins, from any run.
-- KEYS  cfg, ev, done, open:<cluster>, todo:<group> of each known group, then d, p of each event
-- ARGV  group list version, number of known groups, then per event: dispatch, state, event id, source, run,
--       code, job uid, finished at (ms), seq the report rests on, verdict, document ('' where there is none)
-- No allow-oom: at maxmemory new work is refused, so that commits keep the room they free.
local FIELDS = 11
local RANK = {running = 1, attempt_ended = 2, completed = 3, failed = 3}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cfg, log, done, open = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local groups = tonumber(ARGV[2])
local set = redis.call('HMGET', cfg, 'gv', 'age:log', 'age:payload', 'age:verdict', 'patience', 'age:look')
local version = set[1] or '0'
local log_age, payload_age = tonumber(set[2] or 300000), tonumber(set[3] or 3600000)
local verdict_age, patience = tonumber(set[4] or 604800000), tonumber(set[5] or 30000)
local look_age = tonumber(set[6] or 60000)
local keep = verdict_age + math.floor(verdict_age / 7)

local function group_list()
  local reply, all = {'groups', redis.call('HGET', cfg, 'gv') or '0'}, redis.call('HKEYS', cfg)
  for _, field in ipairs(all) do
    if string.sub(field, 1, 2) == 'g:' then table.insert(reply, string.sub(field, 3)) end
  end
  return reply
end

-- A group that nobody has consumed for the retention would hold every ending for ever: it goes dormant here,
-- because publish is the only script that is sure to run.
local function retire_dormant()
  local retired = false
  for i = 5, 4 + groups do
    local name = string.match(KEYS[i], ':todo:(.*)$')
    local seen = tonumber(redis.call('HGET', cfg, 's:' .. name) or now)
    if now - seen > verdict_age then
      redis.call('HSET', cfg, 'x:' .. name, redis.call('ZCARD', KEYS[i]))
      redis.call('HDEL', cfg, 'g:' .. name, 's:' .. name)
      redis.call('UNLINK', KEYS[i])
      retired = true
    end
  end
  if retired then redis.call('HSET', cfg, 'gv', math.max(tonumber(version) + 1, time[1] * 1000000 + time[2])) end
  return retired
end

-- A report on what has already ended: the same event again, or one that comes too late to be believed.
local function refuse(d, p, record, state, event, source, document)
  local number, rank = string.match(record[7] or '', '^(%d+) (%d)')
  if record[3] == source and record[4] == event then
    return {'dup', tonumber(number or 0), tonumber(record[1])}
  end
  local ending = RANK[state] == 3
  if state == 'running' or not ending and RANK[state] <= tonumber(rank or 0) then return {'terminal', record[5]} end
  local name = source .. ' ' .. event
  if record[11] == name then return {'terminal', record[5]} end
  if not record[11] then
    redis.call('HSET', p, 'late', document)
    if redis.call('PTTL', p) < 0 then redis.call('PEXPIRE', p, payload_age) end
    redis.call('HSET', d, 'lid', name)
  end
  if ending then redis.call('HINCRBY', d, 'conflicts', 1) end
  return {'terminal', record[5]}
end

-- What one call adds to or takes from the shared sets is written once, after its events: one command instead of
-- one for each event. That these keys are sets was asked before the first event was accepted. An event is noted here
-- only when its own keys are written: one that fails on them leaves nothing behind.
local opened, closed, ended, owed = {}, {}, {}, {}

local function accept_ending(d, p, id, state, event, source, code, verdict, document, fields)
  redis.call('HSET', p, 'end', document)
  redis.call('PEXPIRE', p, groups > 0 and keep or payload_age)
  redis.call('HSET', d, 'end', state, 'src', source, 'eid', event, 'code', code, 'v', verdict, 'at', now,
    'owed', groups, unpack(fields))
  redis.call('PEXPIRE', d, keep)
  table.insert(owed, now + patience)
  table.insert(owed, id)
  table.insert(ended, now)
  table.insert(ended, id)
  table.insert(closed, id)
end

local function accept_progress(d, p, id, number, state, verdict, document, record, fields)
  local age = keep + math.max(0, (tonumber(record[9]) or now) - now)
  if state == 'attempt_ended' then
    if number >= tonumber(redis.call('HGET', p, 'n') or 0) then redis.call('HSET', p, 'n', number, 'att', document) end
    redis.call('HSET', p, 'a:' .. number, verdict)
  end
  redis.call('HSET', d, unpack(fields))
  redis.call('PEXPIRE', d, age)
  if record[1] or state == 'attempt_ended' then redis.call('PEXPIRE', p, age) end
  if not record[1] then
    table.insert(opened, now + look_age)
    table.insert(opened, id)
  end
end

local function accept(i)
  local d, p = KEYS[3 + groups + 2 * i], KEYS[4 + groups + 2 * i]
  local at = 2 + (i - 1) * FIELDS
  local id, state, event, source, run, code, uid, finished, based_on, verdict, document =
    unpack(ARGV, at + 1, at + FIELDS)
  local record = redis.call('HMGET', d, 'seq', 'end', 'src', 'eid', 'v', 'cancel', 'r:' .. run, 'n', 'deadline',
    'uid', 'lid')
  local seq = tonumber(record[1] or 0)
  if record[2] then return refuse(d, p, record, state, event, source, document) end
  if not record[1] and finished ~= '' and now - tonumber(finished) > verdict_age then return {'expired'} end
  if based_on ~= '' and tonumber(based_on) ~= seq then return {'moved', seq} end
  local ending = RANK[state] == 3
  if state == 'failed' and record[6] and code ~= 'cancelled' then return {'cancelling', seq} end
  local number, rank, by = string.match(record[7] or '', '^(%d+) (%d) (.*)$')
  number, rank = tonumber(number or 0), tonumber(rank or 0)
  if not ending and rank >= RANK[state] then
    return {(rank == RANK[state] and by == source) and 'dup' or 'stale', number, seq}
  end
  local runs = tonumber(record[8] or 0)
  if number == 0 and run ~= '' then runs, number = runs + 1, runs + 1 end
  local fields = {'seq', seq + 1, 'n', runs}
  if run ~= '' then fields[5], fields[6] = 'r:' .. run, number .. ' ' .. RANK[state] .. ' ' .. source end
  if uid ~= '' and not record[10] then
    table.insert(fields, 'uid')
    table.insert(fields, uid)
  end
  if ending then
    accept_ending(d, p, id, state, event, source, code, verdict, document, fields)
  else
    accept_progress(d, p, id, number, state, verdict, document, record, fields)
  end
  redis.call('XADD', log, '*', 'k', id, 's', state, 'i', event, 'd', document)
  return {'ok', number, seq + 1, record[6] and 1 or 0}
end

-- Refused whole, before anything is written: Lua cannot pass on more arguments than its stack holds, and an ending
-- that is accepted must reach the queue.
local events = (#ARGV - 2) / FIELDS
if events > 500 or #KEYS ~= 4 + groups + 2 * events then
  return redis.error_reply('ERR publish takes at most 500 events, each with 2 KEYS and 11 ARGV')
end
if version ~= ARGV[1] or retire_dormant() then return group_list() end
redis.call('XLEN', log)
for i = 3, 4 + groups do redis.call('ZCARD', KEYS[i]) end
local replies = {}
for i = 1, events do
  local fine, reply = pcall(accept, i)
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
redis.call('ZREMRANGEBYSCORE', open, '-inf', now - keep)
if #opened > 0 then redis.call('ZADD', open, 'NX', unpack(opened)) end
if #ended > 0 then
  for i = 5, 4 + groups do redis.call('ZADD', KEYS[i], unpack(owed)) end
  redis.call('ZADD', done, unpack(ended))
  redis.call('ZREM', open, unpack(closed))
  redis.call('ZREMRANGEBYSCORE', done, '-inf', now - verdict_age)
  redis.call('PEXPIRE', done, keep)
end
redis.call('XTRIM', log, 'MINID', now - log_age)
redis.call('PEXPIRE', log, keep)
if redis.call('PTTL', open) < keep then redis.call('PEXPIRE', open, keep) end
return replies
