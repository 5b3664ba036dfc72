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
local registered = tonumber(redis.call('HGET', cfg, 'g:' .. group) or 0)

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
  if record[2] or not is_after(entry, record[3]) or not is_after(entry, registered .. '-0') then return {'done'} end
  redis.call('HSET', d, 'q:' .. group, entry)
  return {'ok', 0, 0, '', '', unpack(redis.call('HMGET', p, 'labels', 'context', 'callback', 'traceparent', 'rerun_of'))}
end

local function begin_ending(d, p, id, wanted)
  local record = redis.call('HMGET', d, 'end', 'v', 'g:' .. group)
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
  elseif not redis.call('ZSCORE', todo, id) then
    return {'done'}
  end
  tries, fence = tonumber(tries or 0) + 1, math.max(tonumber(fence or 0) + 1, now)
  redis.call('HSET', d, 'g:' .. group, string.format('h %d %.0f %.0f %.0f %d %s',
    tries, fence, now + lease, first or now, lease, owner))
  redis.call('ZADD', todo, now + lease, id)
  local more = redis.call('HMGET', p, 'labels', 'context', 'callback', 'traceparent', 'rerun_of', wanted == '1' and 'end' or '')
  return {'ok', fence, tries, record[2], more[6] or '', more[1], more[2], more[3], more[4], more[5]}
end

local replies = {}
for i = 1, (#ARGV - 3) / 3 do
  local d, p, id, entry, wanted = KEYS[1 + 2 * i], KEYS[2 + 2 * i], ARGV[1 + 3 * i], ARGV[2 + 3 * i], ARGV[3 + 3 * i]
  local fine, reply
  if entry == '' then
    fine, reply = pcall(begin_ending, d, p, id, wanted)
  else
    fine, reply = pcall(begin_progress, d, p, entry)
  end
  replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
end
return replies
