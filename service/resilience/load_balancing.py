"""The order in which a model's targets are tried, as one pure function.

Targets that cannot take the request are left out. If no target can take it, all of them stay,
because a provider's error message explains more. Targets with an open breaker come last, and
targets at their provider's limit come before those. The others are ordered by priority. Among
targets of equal priority, the first rule that applies decides:

1. Weights, where the settings have them: a random choice, for example for a canary's share.
2. Affinity, for prompts that a provider's cache may hold: equal prompts go to the same target, as
   long as it has no more than 1.25 times its share of the requests in flight.
3. The better of two random targets, by the time to the first content times the requests in flight.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Generic, Protocol, TypeVar

__all__ = ["Candidate", "Plan", "plan"]

BOUND = 1.25
"""The bound on a target's load, in units of the average load; https://arxiv.org/abs/1608.01350.
With a lower bound, more prompts move to another target; with a higher one, the most loaded target
gets much more."""
USUAL_S = 1.0
"""The latency that is assumed while no target has answered; the value does not matter, since it is
the same for all targets."""
LEAST_S = 1e-6


class Candidate(Protocol):
    """The current state of a target."""

    @property
    def identity(self) -> bytes:
        """A name that is the same in every replica; at most 64 bytes."""
        ...

    @property
    def priority(self) -> int:
        """Lower numbers are tried first."""
        ...

    @property
    def weight(self) -> float | None:
        """Its share among the targets of its priority; all of them have a weight, or none."""
        ...

    @property
    def lacks(self) -> frozenset[str]:
        """Capabilities that it lacks."""
        ...

    @property
    def available(self) -> bool:
        """Whether its breaker admits a call."""
        ...

    @property
    def retry_in_s(self) -> float:
        """Seconds until its breaker may admit a call."""
        ...

    @property
    def limited(self) -> bool:
        """Whether the provider's request limit is reached."""
        ...

    @property
    def in_flight(self) -> int:
        """The number of requests in flight to it."""
        ...

    @property
    def expected_s(self) -> float | None:
        """Recent seconds to the first content; None when unknown."""
        ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Plan(Generic[C]):
    """`ready` in order; then `resort`, the last resort, by the time until a call may be tried."""

    ready: list[C]
    resort: list[C]


def plan(
    candidates: Sequence[C],
    *,
    needs: frozenset[str],
    affinity: bytes | None,
    random: Callable[[], float],
) -> Plan[C]:
    """Order the targets for one request.

    Args:
        candidates: the targets, sorted by priority.
        needs: the capabilities that the request uses.
        affinity: identifies the prompt; None when no provider could have it in its cache.
        random: returns a number in [0, 1).
    """
    if len(candidates) == 1:
        return Plan([*candidates], []) if candidates[0].available else Plan([], [*candidates])
    if needs:
        candidates = [one for one in candidates if not needs & one.lacks] or candidates
    ready: list[C] = []
    limited: list[C] = []
    resort: list[C] = []
    for one in candidates:
        if not one.available:
            resort.append(one)
        elif one.limited:
            limited.append(one)
        else:
            ready.append(one)
    if len(resort) > 1:
        resort.sort(key=lambda one: one.retry_in_s)
    ordered = _by_priority(ready, affinity, random) + _by_priority(limited, affinity, random)
    return Plan(ordered, resort)


def _by_priority(some: list[C], affinity: bytes | None, random: Callable[[], float]) -> list[C]:
    if len(some) < 2:  # noqa: PLR2004 - nothing to choose
        return some
    ordered: list[C] = []
    for _, group in groupby(some, key=lambda one: one.priority):
        equals = list(group)
        if len(equals) == 1:
            ordered += equals
        elif equals[0].weight is not None:
            ordered += _by_weight(equals, random)
        elif affinity is not None:
            ordered += _by_affinity(equals, affinity)
        else:
            ordered += _by_choice(equals, random)
    return ordered


def _by_weight(equals: list[C], random: Callable[[], float]) -> list[C]:
    """Choose one at random by weight; the others follow by descending weight."""
    heaviest = sorted(equals, key=_weight, reverse=True)
    at = random() * sum(map(_weight, heaviest))
    for one in heaviest:
        at -= _weight(one)
        if at < 0:
            return _first(one, heaviest)
    return heaviest


def _weight(one: Candidate) -> float:
    return one.weight or 0.0


def _by_affinity(equals: list[C], affinity: bytes) -> list[C]:
    """Order by rendezvous hashing; targets at the load bound come last.

    When one target is missing, only its own prompts move to others.
    """
    loads = [one.in_flight for one in equals]
    most = math.ceil(BOUND * (sum(loads) + 1) / len(equals))
    full = {id(one) for one, load in zip(equals, loads, strict=True) if load >= most}
    return sorted(equals, key=lambda one: (id(one) in full, _rank(one.identity, affinity)))


def _rank(identity: bytes, affinity: bytes) -> bytes:
    return blake2b(affinity, digest_size=8, key=identity).digest()


def _by_choice(equals: list[C], random: Callable[[], float]) -> list[C]:
    """Choose the better of two random targets; the others follow, the best first."""
    expected = [one.expected_s for one in equals]
    known = [seconds for seconds in expected if seconds is not None]
    usual_s = sum(known) / len(known) if known else USUAL_S
    costs = [
        max(usual_s if seconds is None else seconds, LEAST_S) * (one.in_flight + 1)
        for one, seconds in zip(equals, expected, strict=True)
    ]
    first = int(random() * len(equals))
    second = int(random() * (len(equals) - 1))
    second += second >= first
    better = first if costs[first] <= costs[second] else second
    costs[better] = 0.0
    return [equals[place] for place in sorted(range(len(equals)), key=costs.__getitem__)]


def _first(chosen: C, some: list[C]) -> list[C]:
    return [chosen, *(one for one in some if one is not chosen)]
