#!lua flags=allow-oom
-- begin: gives a consumer the lease on events, or says why not.
-- KEYS  cfg, todo:<group>, then d, p of each event
-- ARGV  group, lease (ms), owner, then per event: dispatch, log entry id of a progress event ('' for an ending),
--       1 to be given the ending's document
-- The group's field of a record: state (h held, w waiting, c committed, d dead), tries, fence, until, first, lease,
-- owner; times in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cfg, todo = KEYS[1], KEYS[2]
local group, lease, owner = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local set = redis.call('HMGET', cfg, 'g:' .. group, 'age:verdict')
local registered, verdict_age = tonumber(set[1] or 0), tonumber(set[2] or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)

-- What register was told and a handler is given, whoever reported the event.
local GIVEN = {'labels', 'context', 'callback', 'traceparent', 'rerun_of'}

local function is_after(entry, last)
  local ms, n = string.match(entry, '^(%d+)-(%d+)$')
  local last_ms, last_n = string.match(last or '0-0', '^(%d+)-(%d+)$')
  ms, last_ms = tonumber(ms), tonumber(last_ms)
  return ms > last_ms or ms == last_ms and tonumber(n) > tonumber(last_n)
end

-- Progress: at most once a group, in log order, and never once the group has begun the ending.
local function begin_progress(d, p, entry)
  local record = redis.call('HMGET', d, 'seq', 'g:' .. group, 'q:' .. group)
  if not record[1] then return {'gone'} end
  -- What came in the millisecond of the registration is told: it may have come after it.
  local is_older = tonumber(string.match(entry, '^(%d+)-%d+$')) < registered
  if record[2] or is_older or not is_after(entry, record[3]) then return {'done'} end
  redis.call('HSET', d, 'q:' .. group, entry)
  return {'ok', 0, 0, '', '', unpack(redis.call('HMGET', p, unpack(GIVEN)))}
end

-- What one call moves in the queue is written once, after its events.
local leased = {}

local function begin_ending(d, p, id, wanted, score)
  local record = redis.call('HMGET', d, 'end', 'v', 'g:' .. group, 'at')
  if not record[1] then
    redis.call('ZREM', todo, id)
    return {'gone'}
  end
  local state, tries, fence, untl, first, length
  if record[3] then
    state, tries, fence, untl, first, length = string.match(record[3], '^(%a) (%d+) (%d+) (%d+) (%d+) (%d+)')
    untl = tonumber(untl)
    if state == 'c' or state == 'd' then
      redis.call('ZREM', todo, id)
      return {'done'}
    end
    if state == 'w' and untl > now then return {'later', untl - now} end
    -- A lease that ends more than two leases ahead was written by a server with another clock: it is none.
    if state == 'h' and untl > now and untl <= now + 2 * length then return {'busy', untl - now} end
  elseif not score then
    return {'done'}
  end
  -- The time, in microseconds, so that a fence is higher too than those of a server that lost them.
  tries, fence = tonumber(tries or 0) + 1, math.max(tonumber(fence or 0) + 1, time[1] * 1000000 + time[2])
  redis.call('HSET', d, 'g:' .. group, string.format('h %d %.0f %.0f %.0f %d %s',
    tries, fence, now + lease, first or now, lease, owner))
  table.insert(leased, now + lease)
  table.insert(leased, id)
  -- What was owed for long must not age away while it is handled.
  if now - tonumber(record[4]) > verdict_age / 2 then
    redis.call('PEXPIRE', d, keep)
    redis.call('PEXPIRE', p, keep)
  end
  local document = wanted == '1' and redis.call('HGET', p, 'end') or ''
  return {'ok', fence, tries, record[2], document, unpack(redis.call('HMGET', p, unpack(GIVEN)))}
end

-- Refused whole, before anything is written: Lua cannot pass on more arguments than its stack holds.
local events = (#ARGV - 3) / 3
if events > 500 or #KEYS ~= 2 + 2 * events then
  return redis.error_reply('ERR begin takes at most 500 events, each with 2 KEYS and 3 ARGV')
end
local dispatches, replies = {}, {}
for i = 1, events do dispatches[i] = ARGV[1 + 3 * i] end
local scores = registered > 0 and events > 0 and redis.call('ZMSCORE', todo, unpack(dispatches)) or {}
for i = 1, events do
  local d, p, id, entry, wanted = KEYS[1 + 2 * i], KEYS[2 + 2 * i], ARGV[1 + 3 * i], ARGV[2 + 3 * i], ARGV[3 + 3 * i]
  local fine, reply
  if registered == 0 then
    -- Nothing is owed to a group that is not on the list, and its queue must not come back.
    fine, reply = true, {'done'}
  elseif entry == '' then
    fine, reply = pcall(begin_ending, d, p, id, wanted, scores[i])
  else
    fine, reply = pcall(begin_progress, d, p, entry)
  end
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
if #leased > 0 then redis.call('ZADD', todo, unpack(leased)) end
return replies
