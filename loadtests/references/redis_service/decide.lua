-- One decision, or one event when it has no items: everything or nothing.
-- KEYS: 1 profile, 2 answer, 3 event, 4 budget, 5 budget holds, then per item the ledger of each of its policies.
-- ARGV: 1 what the profile must begin with ("" when there must be none), 2 the new profile, 3 now (ms),
--   4 when the holds end (ms), 5 the answer ("" for none), 6 seconds to keep answer and event, 7 whether there is an
--   event, 8 the budget's cap, 9 items; then per item: its name, its units, its policies and the limit of each.
-- A ledger is a sorted set: who counts, and until when (a hold until it ends, a contact until its window does).
local now, ends = tonumber(ARGV[3]), tonumber(ARGV[4])
if ARGV[1] == '' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return {'moved'} end
elseif redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then
  return {'moved'}
end

local items, at, key = tonumber(ARGV[9]), 10, 6
local ledgers, counted, units = {}, {}, 0
for item = 1, items do
  local name, wanted, policies = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  for policy = 1, policies do
    local ledger = KEYS[key]
    if counted[ledger] == nil then
      redis.call('ZREMRANGEBYSCORE', ledger, '-inf', now)
      counted[ledger] = redis.call('ZCARD', ledger)
    end
    if counted[ledger] >= tonumber(ARGV[at + 2 + policy]) then return {'capped', item} end
    counted[ledger] = counted[ledger] + 1
    ledgers[#ledgers + 1] = {ledger, name}
    key = key + 1
  end
  units = units + wanted
  at = at + 3 + policies
end

if items > 0 then
  for _, held in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('HINCRBY', KEYS[4], 'held', -tonumber(string.match(held, '^%d+')))
    redis.call('ZREM', KEYS[5], held)
  end
  local used = redis.call('HMGET', KEYS[4], 'held', 'spent')
  if tonumber(used[1] or 0) + tonumber(used[2] or 0) + units > tonumber(ARGV[8]) then return {'dry'} end
  redis.call('HINCRBY', KEYS[4], 'held', units)
  at = 10
  for _ = 1, items do
    redis.call('ZADD', KEYS[5], ends, ARGV[at + 1] .. ':' .. ARGV[at])
    at = at + 3 + tonumber(ARGV[at + 2])
  end
  for _, entry in ipairs(ledgers) do redis.call('ZADD', entry[1], ends, entry[2]) end
end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[5] ~= '' then redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[6]) end
if ARGV[7] == '1' then redis.call('SET', KEYS[3], '1', 'EX', ARGV[6]) end
return {'done'}
