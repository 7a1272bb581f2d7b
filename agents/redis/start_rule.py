"""Decides whether this Redis may start, and in which role: a pure function of an observation.

A pod never decides by itself, and an empty pod must not become the master of pods with data:

    a majority names another pod                start as its replica
    a majority names this pod, with data        start as the master
    a majority names this pod, without data     start as the master only if every peer answers and
                                                is empty too (the first start); otherwise keep the
                                                port closed, so that the sentinels name a pod with
                                                data
    no majority agrees                          wait

Each pod has one sentinel, and the majority is that of all pods: 2 of 3, 3 of 5. Sentinels that do
not answer count, too: two of five that are cut off from the others must not name a second master.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from contract.majority import majority

__all__ = ["Decision", "Follow", "Lead", "Observation", "Wait", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The observation of this pod.

    Attributes:
        me: this pod's host.
        votes: for each sentinel that answered, the host that it names as master.
        holds_data: whether this pod's volume has a data set (a saved empty one counts).
        peer_keys: for each other pod, its number of keys; None when it does not answer.
    """

    me: str
    votes: Mapping[str, str]
    holds_data: bool
    peer_keys: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Follow:
    """Start as a replica of `master`."""

    master: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Start as the master."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Keep the port closed and check again; `why` is for the log."""

    why: str


Decision = Follow | Lead | Wait


def decide(seen: Observation) -> Decision:
    """Apply the rule of this module."""
    counted = Counter(seen.votes.values()).most_common(1)
    pods = 1 + len(seen.peer_keys)
    if not counted or counted[0][1] < majority(pods):
        answers = dict(seen.votes) or "none"
        return Wait(f"{majority(pods)} of {pods} sentinels must agree on a master: {answers}")
    named = counted[0][0]
    if named != seen.me:
        return Follow(named)
    if seen.holds_data:
        return Lead()
    silent = [host for host, keys in seen.peer_keys.items() if keys is None]
    if silent:
        return Wait(
            f"the sentinels name this empty pod as master, and {', '.join(silent)} do not answer"
        )
    holders = [host for host, keys in seen.peer_keys.items() if keys]
    if holders:
        return Wait(
            f"the sentinels name this empty pod as master, but {', '.join(holders)} have data"
        )
    return Lead()
