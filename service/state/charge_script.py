"""The Lua scripts that charge and settle a request in Redis: atomic, with Redis' clock.

The rules are the same as in `service.state.memory`. All keys of one account have the tenant's hash
tag, so that they share a hash slot.
"""

from collections.abc import Sequence

from contract.budgets import WINDOWS
from service.errors import StateUnavailable
from service.state.charges import Charge, Crossing, Settlement, Spent, Verdict
from service.state.limit_script import decision_of
from service.state.scripts import Call, Script

__all__ = ["CHARGE", "SETTLE", "charge_call", "crossings_of", "settle_call", "verdict_of"]

# The month is computed with the algorithm `civil_from_days` by Howard Hinnant:
# https://howardhinnant.github.io/date_algorithms.html
_BOOKS = """
local clock = redis.call('TIME')
local second = tonumber(clock[1])
local now = second * 1000000 + clock[2]
local floor = math.floor

local function starts()
  local z = floor(second / 86400) + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local mp = floor((5 * (doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))) + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return {floor(second / 3600), floor(second / 86400), year * 12 + month}
end

local function whole(number)
  return string.format('%.0f', number)
end

local function open(account, holds)
  local kept = redis.call('HMGET', account, 'held',
    'w1', 's1', 't1', 'w2', 's2', 't2', 'w3', 's3', 't3')
  local books = {held = tonumber(kept[1] or '0'), starts = starts(), spent = {}, reported = {}}
  for n = 1, 3 do
    local same = tonumber(kept[3 * n - 1] or '-1') == books.starts[n]
    books.spent[n] = same and tonumber(kept[3 * n]) or 0
    books.reported[n] = same and tonumber(kept[3 * n + 1]) or 0
  end
  -- Reservations that expired without a settlement.
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', holds, '-inf', second, 'LIMIT', 0, 100)) do
    redis.call('ZREM', holds, member)
    books.held = math.max(0, books.held - tonumber(string.match(member, ':(%d+)$')))
  end
  if redis.call('ZCARD', holds) == 0 then books.held = 0 end
  return books
end

local function report(books, n, percent)
  if percent <= books.reported[n] then return 0 end
  books.reported[n] = percent
  return percent
end

local function close(account, holds, books)
  local fields = {'held', whole(books.held)}
  for n = 1, 3 do
    for name, value in pairs({w = books.starts[n], s = books.spent[n], t = books.reported[n]}) do
      fields[#fields + 1] = name .. n
      fields[#fields + 1] = whole(value)
    end
  end
  redis.call('HSET', account, unpack(fields))
  redis.call('EXPIRE', account, 3456000)
  redis.call('EXPIRE', holds, 3456000)
end

local function put(key, tat)
  if tat <= now then
    redis.call('DEL', key)
  else
    redis.call('SET', key, string.format('%.3f', tat), 'PX', math.ceil((tat - now) / 1000) + 1000)
  end
end
"""

CHARGE = Script(
    _BOOKS
    + """
local amount = tonumber(ARGV[3])
local result = {0, 0, 0, 0, 0, 0, 0, 0}
local tats = {}
if redis.call('GET', KEYS[3]) then
  -- Settled before the charge arrived: the client has gone.
  for _ = 1, 4 * (#KEYS - 3) do result[#result + 1] = 0 end
  return result
end
for n = 4, #KEYS do
  local at = 7 + (n - 4) * 3
  local interval, capacity = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local tat = math.max(now, tonumber(redis.call('GET', KEYS[n]) or '0'))
  local new_tat = tat + interval * tonumber(ARGV[at + 2])
  local early = new_tat - now - capacity
  local refused = early > interval / 1000000
  if refused and result[1] == 0 then
    result[1] = n - 3
    result[2] = math.ceil(early)
  end
  tats[n] = new_tat
  if refused then new_tat = tat end
  result[#result + 1] = refused and 0 or 1
  result[#result + 1] = math.max(0, floor((capacity - (new_tat - now)) / interval + 0.000001))
  result[#result + 1] = refused and math.ceil(early) or 0
  result[#result + 1] = math.ceil(new_tat - now)
end
local limits = {tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])}
local books
if limits[1] + limits[2] + limits[3] > 0 then
  books = open(KEYS[1], KEYS[2])
  if result[1] == 0 then
    for n = 1, 3 do
      if limits[n] > 0 and books.spent[n] + books.held + amount > limits[n] then
        if result[1] == 0 then result[1] = -n end
        if books.spent[n] >= limits[n] then result[5 + n] = report(books, n, 100) end
      end
    end
  end
  if result[1] == 0 and amount > 0 then
    books.held = books.held + amount
    redis.call('ZADD', KEYS[2], second + ARGV[2], ARGV[1] .. ':' .. ARGV[3])
  end
  close(KEYS[1], KEYS[2], books)
  for n = 1, 3 do result[2 + n] = books.spent[n] + books.held end
end
if result[1] == 0 then
  for n = 4, #KEYS do put(KEYS[n], tats[n]) end
end
return result
"""
)
"""KEYS: the account's books, its reservations, the marker of a settled charge, the buckets.
ARGV: the reservation's id, its lifetime in seconds, its nano-dollars; the budget's limits; for each
bucket: microseconds per unit, burst in microseconds, units to take.
Returns: the number of the refusing bucket from 1, or of the window from -1 downwards, or 0;
microseconds to wait; spent and held by window; crossings by window; for each bucket: allowed,
remaining, microseconds until the next admission, and microseconds until it is full."""

SETTLE = Script(
    _BOOKS
    + """
if redis.call('GET', KEYS[3]) then return {0, 0, 0} end
local reported = {0, 0, 0}
local limits = {tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])}
if limits[1] + limits[2] + limits[3] > 0 then
  local books = open(KEYS[1], KEYS[2])
  if redis.call('ZREM', KEYS[2], ARGV[1] .. ':' .. ARGV[2]) == 1 then
    books.held = math.max(0, books.held - tonumber(ARGV[2]))
  end
  for n = 1, 3 do
    books.spent[n] = books.spent[n] + tonumber(ARGV[3])
    if limits[n] > 0 then
      local share = books.spent[n] / limits[n]
      reported[n] = report(books, n, share >= 1 and 100 or share >= 0.8 and 80 or 0)
    end
  end
  close(KEYS[1], KEYS[2], books)
end
for n = 4, #KEYS do
  local at = 7 + (n - 4) * 2
  local tat = math.max(now, tonumber(redis.call('GET', KEYS[n]) or '0'))
  put(KEYS[n], tat + tonumber(ARGV[at]) * tonumber(ARGV[at + 1]))
end
-- The marker is set last, so that a failed try can be repeated.
redis.call('SET', KEYS[3], '1', 'EX', 300)
return reported
"""
)
"""KEYS: the account's books, its reservations, the marker of a settled charge, the token buckets.
ARGV: the reservation's id, its nano-dollars, the cost in nano-dollars; the budget's limits; for
each bucket: microseconds per token, tokens used beyond those that were taken.
A second call for the same charge changes nothing. Returns crossings by window."""

_HEAD = 8
_PER_BUCKET = 4


def charge_call(charge: Charge) -> Call:
    """The call that charges a request in Redis."""
    buckets: list[float] = []
    for bucket, cost in charge.buckets:
        interval = 1e6 / bucket.limit.rate
        buckets += (interval, interval * bucket.limit.burst, cost)
    return Call(
        CHARGE,
        (*_account_keys(charge), *(bucket.key for bucket, _ in charge.buckets)),
        (charge.id, charge.hold_s, charge.held, *_limits(charge), *buckets),
    )


def verdict_of(charge: Charge, answer: Sequence[int]) -> Verdict:
    """Decode Redis' answer to a charge.

    Raises:
        StateUnavailable: the answer does not have the length that the script returns.
    """
    if len(answer) != _HEAD + _PER_BUCKET * len(charge.buckets):
        raise StateUnavailable("other", "an answer of unexpected length")
    refused, wait_us, hour, day, month = answer[:5]
    return Verdict(
        refused=_named(charge, refused),
        retry_after_s=wait_us / 1e6,
        decisions=[
            decision_of(answer[at : at + _PER_BUCKET])
            for at in range(_HEAD, len(answer), _PER_BUCKET)
        ],
        spent=(hour, day, month),
        crossings=crossings_of(charge, answer[5:_HEAD]),
    )


def settle_call(settlement: Settlement) -> Call:
    """The call that settles a request in Redis."""
    charge = settlement.charge
    counted = settlement.counted()
    shifts: list[float] = []
    for bucket, more in counted:
        shifts += (1e6 / bucket.limit.rate, more)
    return Call(
        SETTLE,
        (*_account_keys(charge), *(bucket.key for bucket, _ in counted)),
        (charge.id, charge.held, settlement.cost, *_limits(charge), *shifts),
    )


def crossings_of(charge: Charge, percents: Sequence[int]) -> list[Crossing]:
    """The crossings to report, from the script's percentages by window."""
    key_id = charge.account.key_id
    return [
        Crossing(key_id, window, percent)
        for window, percent in zip(WINDOWS, percents, strict=True)
        if percent
    ]


def _named(charge: Charge, refused: int) -> str:
    if refused == 0:
        return ""
    return charge.buckets[refused - 1][0].what if refused > 0 else WINDOWS[-refused - 1]


def _account_keys(charge: Charge) -> tuple[str, str, str]:
    name = charge.account.name
    return f"{name}:books", f"{name}:holds", f"{name}:settled:{charge.id}"


def _limits(charge: Charge) -> Spent:
    budget = charge.account.budget
    return budget.limits if budget is not None else (0, 0, 0)
