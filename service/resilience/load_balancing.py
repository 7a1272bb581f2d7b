"""The order in which a model's targets are asked, as one pure decision.

Who cannot take the request is left out, unless that is everybody: then a provider says so better.
Who is spared by its breaker comes last, who is at its provider's limit before those; then the
priorities count. Among targets of equal priority, in this
order, whichever applies:

1. weights, where the settings give them: a canary's share, at random;
2. affinity, for prompts that a provider's cache may know: equal ones go to the same target, as long
   as that has no more than 1.25 times its part of what is in flight;
3. the better of two at random, by the time to the first content times what is in flight.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Generic, Protocol, TypeVar

__all__ = ["Candidate", "Plan", "plan"]

BOUND = 1.25
"""Times the average load; https://arxiv.org/abs/1608.01350: below it the chance of a move is small,
and above it the most loaded one gets much more."""
USUAL_S = 1.0
"""What is expected of all while none has answered: any number, since it is the same for all."""
LEAST_S = 1e-6


class Candidate(Protocol):
    """A target as it stands now."""

    @property
    def identity(self) -> bytes:
        """The same in every replica; at most 64 bytes."""
        ...

    @property
    def priority(self) -> int:
        """Less is better."""
        ...

    @property
    def weight(self) -> float | None:
        """Its share among those of its priority; all of them have one, or none."""
        ...

    @property
    def lacks(self) -> frozenset[str]:
        """What it cannot take."""
        ...

    @property
    def available(self) -> bool:
        """Whether its breaker admits a call."""
        ...

    @property
    def retry_in_s(self) -> float:
        """Seconds until its breaker may admit one."""
        ...

    @property
    def limited(self) -> bool:
        """Whether its provider has had as many requests as it takes."""
        ...

    @property
    def in_flight(self) -> int:
        """How many requests it works on."""
        ...

    @property
    def expected_s(self) -> float | None:
        """Seconds to the first content, as of late; None when nothing is known."""
        ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Plan(Generic[C]):
    """`ready` in order; `resort` is asked when those failed, the one that is due soonest first."""

    ready: list[C]
    resort: list[C]


def plan(
    candidates: Sequence[C],
    *,
    needs: frozenset[str],
    affinity: bytes | None,
    random: Callable[[], float],
) -> Plan[C]:
    """Order `candidates`, which come sorted by priority.

    `needs` is what the request uses, `affinity` names its prompt for those of equal priority, None
    where no cache could know it; `random` gives a number in [0, 1).
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
    """One at random by the weights; the others follow, the heaviest first."""
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
    """Rendezvous hashing: without one target, only its own prompts move. The full go behind."""
    loads = [one.in_flight for one in equals]
    most = math.ceil(BOUND * (sum(loads) + 1) / len(equals))
    full = {id(one) for one, load in zip(equals, loads, strict=True) if load >= most}
    return sorted(equals, key=lambda one: (id(one) in full, _rank(one.identity, affinity)))


def _rank(identity: bytes, affinity: bytes) -> bytes:
    return blake2b(affinity, digest_size=8, key=identity).digest()


def _by_choice(equals: list[C], random: Callable[[], float]) -> list[C]:
    """The better of two at random; the others follow, the best first."""
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
