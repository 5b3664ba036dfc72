#!lua flags=allow-oom
-- groups: the list of groups that are owed every ending, and the ages of the bus.
-- KEYS  cfg, ev, done, todo:<group>, then d, p of each dispatch (owe, drop)
-- ARGV  operation, group, then:
--   add             registers the group: what is accepted from now on is owed to it
--   touch           says that somebody consumes the group, and trims what has passed its age
--   remove          takes the group off the list; `drop` then settles what it was owed
--   owe  <ids>      owes the group these endings too (for what was accepted before it came)
--   drop <ids>      settles what a removed group was owed
--   set  <field value ...>   sets ages, in ms; the group is ''
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cfg, log, done, todo = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local operation, group = ARGV[1], ARGV[2]
local ages = redis.call('HMGET', cfg, 'age:log', 'age:payload', 'age:verdict')
local log_age, payload_age = tonumber(ages[1] or 300000), tonumber(ages[2] or 3600000)
local verdict_age = tonumber(ages[3] or 604800000)
local keep = verdict_age + math.floor(verdict_age / 7)
local SETTINGS = {['age:log'] = 1, ['age:payload'] = 1, ['age:verdict'] = 1, ['age:look'] = 1, patience = 1}
local run = {}

-- Never a number that the list had before, also when the server was emptied: a publisher that remembers one would
-- take another list for its own. Microseconds, which pass faster than calls are made.
local function next_version()
  local version = math.max(tonumber(redis.call('HGET', cfg, 'gv') or 0) + 1, time[1] * 1000000 + time[2])
  redis.call('HSET', cfg, 'gv', version)
  return version
end

function run.add()
  local registered = redis.call('HGET', cfg, 'g:' .. group)
  if registered then return {'known', tonumber(registered), tonumber(redis.call('HGET', cfg, 'gv')), 0} end
  local dropped = tonumber(redis.call('HGET', cfg, 'x:' .. group) or 0)
  redis.call('HDEL', cfg, 'x:' .. group)
  redis.call('PERSIST', todo)
  redis.call('HSET', cfg, 'schema', 1, 'g:' .. group, now, 's:' .. group, now)
  return {'ok', now, next_version(), dropped}
end

function run.touch()
  redis.call('XTRIM', log, 'MINID', now - log_age)
  redis.call('ZREMRANGEBYSCORE', done, '-inf', now - verdict_age)
  if redis.call('HEXISTS', cfg, 'g:' .. group) == 0 then return {'unknown'} end
  redis.call('HSET', cfg, 's:' .. group, now)
  return {'ok', tonumber(redis.call('HGET', cfg, 'gv'))}
end

function run.remove()
  if redis.call('HDEL', cfg, 'g:' .. group, 's:' .. group, 'x:' .. group) == 0 then return {'unknown'} end
  -- Should nobody finish the drop, the key still goes.
  redis.call('PEXPIRE', todo, keep)
  return {'ok', redis.call('ZCARD', todo), next_version()}
end

local function owe(d, p, id)
  local record = redis.call('HMGET', d, 'end', 'g:' .. group)
  if not record[1] then return {'gone'} end
  local state = string.sub(record[2] or '', 1, 1)
  if state == 'c' or state == 'd' or redis.call('ZADD', todo, 'NX', now, id) == 0 then return {'known'} end
  -- What a dormant group had begun was never settled: it is counted still.
  if state == '' then redis.call('HINCRBY', d, 'owed', 1) end
  redis.call('PEXPIRE', d, keep)
  redis.call('PEXPIRE', p, keep)
  return {'ok'}
end

local function drop(d, p, id)
  if redis.call('ZREM', todo, id) == 0 then return {'known'} end
  if redis.call('HEXISTS', d, 'end') == 0 then return {'gone'} end
  redis.call('HDEL', d, 'g:' .. group)
  if redis.call('HINCRBY', d, 'owed', -1) <= 0 then
    redis.call('PEXPIRE', p, payload_age)
    redis.call('PEXPIRE', d, keep)
  end
  return {'ok'}
end

local function for_each(act)
  local replies = {}
  for i = 1, #ARGV - 2 do
    local fine, reply = pcall(act, KEYS[3 + 2 * i], KEYS[4 + 2 * i], ARGV[2 + i])
    replies[i] = fine and reply or {'error', type(reply) == 'table' and reply.err or tostring(reply)}
  end
  return replies
end

function run.owe()
  if redis.call('HEXISTS', cfg, 'g:' .. group) == 1 then return for_each(owe) end
  return for_each(function() return {'unknown'} end)
end

function run.drop() return for_each(drop) end

function run.set()
  for i = 3, #ARGV, 2 do
    if not SETTINGS[ARGV[i]] then return {'error', 'there is no setting ' .. ARGV[i]} end
    if not string.match(ARGV[i + 1] or '', '^[1-9]%d*$') or #ARGV[i + 1] > 13 then
      return {'error', ARGV[i] .. ' must be milliseconds, from 1 to 13 digits'}
    end
  end
  redis.call('HSET', cfg, 'schema', 1, unpack(ARGV, 3))
  return {'ok'}
end

if not run[operation] then return {'error', 'there is no operation ' .. operation} end
return run[operation]()
