-- One outcome of one item. KEYS: 1 budget, 2 budget holds, then the ledger of each policy.
-- ARGV: 1 the item's name, 2 its units, 3 "confirm", "accept" or "release", 4 when its response window ends (ms);
--   then per ledger when the contact leaves its window (ms).
local held = ARGV[2] .. ':' .. ARGV[1]
for ledger = 3, #KEYS do
  if ARGV[3] == 'release' then
    redis.call('ZREM', KEYS[ledger], ARGV[1])
  else
    redis.call('ZADD', KEYS[ledger], 'XX', ARGV[ledger + 2], ARGV[1])
  end
end
if ARGV[3] == 'confirm' then
  redis.call('ZADD', KEYS[2], 'XX', ARGV[4], held)
elseif redis.call('ZREM', KEYS[2], held) == 1 then
  redis.call('HINCRBY', KEYS[1], 'held', -tonumber(ARGV[2]))
  if ARGV[3] == 'accept' then redis.call('HINCRBY', KEYS[1], 'spent', ARGV[2]) end
end
return 1
