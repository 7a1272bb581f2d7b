"""The Lua script that checks a request rate limit in Redis: one atomic call, with Redis' clock.

The arithmetic is that of `service.resilience.gcra`, in microseconds. There is one Redis key per API
key; its hash tag is the tenant, so that a tenant's keys share a hash slot.
"""

from collections.abc import Sequence

from service.errors import StateUnavailable
from service.resilience.gcra import Decision, Limit
from service.state.scripts import Call, Script

__all__ = ["LIMIT", "decision_of", "limit_call", "limit_key"]

LIMIT = Script("""
local interval = tonumber(ARGV[1])
local capacity = tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local tat = tonumber(redis.call('GET', KEYS[1]) or '0')
if tat < now then tat = now end
local new_tat = tat + interval
local early = new_tat - now - capacity
if early > interval / 1000000 then
  return {0, 0, math.ceil(early), math.ceil(tat - now)}
end
redis.call('SET', KEYS[1], string.format('%.3f', new_tat),
  'PX', math.ceil((new_tat - now) / 1000) + 1000)
local remaining = math.floor((capacity - (new_tat - now)) / interval + 0.000001)
return {1, remaining, 0, math.ceil(new_tat - now)}
""")
"""KEYS: the bucket. ARGV: microseconds per request, burst in microseconds.
Returns allowed, remaining, microseconds until the next admission, microseconds until it is full."""


def limit_key(tenant: str, key_id: str) -> str:
    """The Redis key of an API key's bucket."""
    return f"seawall:{{{tenant}}}:limit:{key_id}"


def limit_call(key: str, limit: Limit) -> Call:
    """The call that takes one request from the bucket `key`."""
    interval = 1e6 / limit.rate
    return Call(LIMIT, (key,), (interval, interval * limit.burst))


def decision_of(answer: Sequence[int]) -> Decision:
    """Decode the four numbers of a bucket in Redis' answer.

    Raises:
        StateUnavailable: the answer does not have the length that the script returns.
    """
    try:
        allowed, remaining, retry_after, reset = answer
    except ValueError:
        raise StateUnavailable("other", "an answer of unexpected length") from None
    return Decision(
        allowed=allowed == 1,
        remaining=remaining,
        retry_after_s=retry_after / 1e6,
        reset_s=reset / 1e6,
    )
