"""The Lua script that shares the replicas' breakers, and counts the replicas.

Each replica calls it once a second. It is atomic and uses Redis' clock. Arguments and results are
durations and never times, so that no two clocks are compared. All keys have the same hash tag, for
one hash slot, and an expiry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from service.state.scripts import Call, Script

__all__ = [
    "FLEET",
    "FleetView",
    "Heard",
    "Report",
    "Wish",
    "fleet_call",
    "view",
]

FLEET = Script("""
local ALIVE, KEPT, LEASE, AHEAD, LAST = 5000, 30000, 3000, 2000, 500
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local me = ARGV[1]
redis.call('ZADD', KEYS[1], now, me)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ALIVE)
redis.call('PEXPIRE', KEYS[1], ALIVE)
local answer = {redis.call('ZCARD', KEYS[1])}
for n = 1, (#KEYS - 1) / 2 do
  local record, lease = KEYS[2 * n], KEYS[2 * n + 1]
  local kind, age, left, length, wish = unpack(ARGV, 5 * n - 3, 5 * n + 1)
  local found = redis.call('GET', record)
  local last, at, till, long, by = '', 0, 0, 0, ''
  if found then
    last, at, till, long, by = string.match(found, '^(%a+) (%d+) (%d+) (%d+) (%S+)$')
  end
  at, till = tonumber(at), tonumber(till)
  if kind ~= '' and now - age > at then
    last, at, till, long, by = kind, now - age, now + left, length, me
    redis.call('SET', record, string.format('%s %.0f %.0f %d %s', kind, at, till, long, me),
      'PX', left + KEPT)
  end
  local mine = 0
  if wish ~= '0' then
    local holder = redis.call('GET', lease)
    local due = till - (by == me and LAST or AHEAD)
    if (holder == me and wish == '2') or (not holder and (last ~= 'open' or now >= due)) then
      redis.call('SET', lease, me, 'PX', LEASE)
      mine = 1
    elseif holder == me then
      mine = 1
    end
  end
  local other = (last ~= '' and by ~= me) and last or ''
  answer[n + 1] = {other, now - at, till - now, tonumber(long), mine}
end
return answer
""")
"""KEYS: the live replicas, then for each target its last change and the lease of its probe.
ARGV: the replica, then for each target: the kind of its new change (open, closed, or empty), its
age, the rest of the open time, the length of the open time, and the wish for the lease.
Returns the number of live replicas, then for each target: the last change of another replica in the
same form, and whether this replica has the lease.

All durations are in milliseconds. A replica counts as alive for 5 s (five exchanges) after its last
call. A change is kept for 30 s after its open time, for replicas that missed many exchanges. A
lease lasts 3 s: that is longer than its holder needs to renew it, and short enough to pass it on
from a replica without requests. The lease can be taken up to 2 s (two exchanges) before the end of
the open time. The replica that reported the opening can take it only 0.5 s before: the others come
first, so that one replica with a broken network does not decide for all."""

_OPENED, _CLOSED = "open", "closed"


class Wish(IntEnum):
    """Whether a replica wants to send the fleet's single probe to a target."""

    NONE = 0
    LEASE = 1
    """It wants the lease, since it has requests for the target."""
    KEEP = 2
    """It wants to keep the lease, since its probe is in flight."""


@dataclass(frozen=True, slots=True)
class Report:
    """One replica's report on a target; `opened` is None when there is no new change."""

    target: str
    wish: Wish = Wish.NONE
    opened: bool | None = None
    age_s: float = 0.0
    left_s: float = 0.0
    open_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """The last change of a target by another replica, and whether this one may probe."""

    opened: bool | None
    age_s: float
    left_s: float
    open_s: float
    may_probe: bool


@dataclass(frozen=True, slots=True)
class FleetView:
    """The result of an exchange: the number of live replicas, and one `Heard` per `Report`."""

    replicas: int
    heard: tuple[Heard, ...]


def fleet_call(replica: str, reports: Sequence[Report]) -> Call:
    """The call for one exchange."""
    return Call(FLEET, tuple(_keys(reports)), tuple(_arguments(replica, reports)))


def _keys(reports: Sequence[Report]) -> list[str]:
    keys = ["seawall:{fleet}:replicas"]
    for report in reports:
        keys += [f"seawall:{{fleet}}:{kind}:{report.target}" for kind in ("breaker", "probe")]
    return keys


def _arguments(replica: str, reports: Sequence[Report]) -> list[str | int]:
    said: list[str | int] = [replica]
    for one in reports:
        kind = "" if one.opened is None else _OPENED if one.opened else _CLOSED
        said += [kind, _ms(one.age_s), _ms(one.left_s), _ms(one.open_s), int(one.wish)]
    return said


def view(answer: Sequence[object]) -> FleetView:
    """Decode the script's answer."""
    alive, *targets = answer
    return FleetView(cast("int", alive), tuple(_heard(one) for one in targets))


def _heard(one: object) -> Heard:
    kind, age, left, length, mine = cast("tuple[bytes, int, int, int, int]", one)
    opened = None if not kind else kind == _OPENED.encode()
    return Heard(opened, age / 1000, left / 1000, length / 1000, mine == 1)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
