"""The shutdown of a master: it hands over its role first, so that no acknowledged write is lost.

The steps: pause writes, let the sentinels fail over, wait until another pod is the master, become
its replica, and close the clients' connections. Without the pause about ten seconds of acknowledged
writes are lost. If the sentinels have already elected another master, because this one was cut off,
it becomes the replica of that one.
"""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from agents.log import say
from agents.redis.cluster_view import current_master
from agents.redis.server import Server, ServerError, operator, sentinel
from agents.redis.settings import Settings

__all__ = ["Outcome", "hand_over", "stop", "wait_for_stop"]

_PAUSE_MS = 20_000
_SWITCH_DEADLINE_S = 15.0
_SENTINEL_PATIENCE_S = 40.0
_REFUSALS_S = 8.0
_COPY_S = 15.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether this pod may end, and the text for the log."""

    done: bool
    what: str


def stop(settings: Settings) -> None:
    """The preStop hook of the Redis container; it never fails, since the pod ends anyway."""
    try:
        say(hand_over(settings).what)
    except ServerError as failed:
        say(f"stop: no hand-over: {failed}")
    finally:
        settings.stopped_file.touch()


def wait_for_stop(settings: Settings) -> None:
    """The preStop hook of the sentinel container, which is needed until the hand-over has ended."""
    end = time.monotonic() + _SENTINEL_PATIENCE_S
    while time.monotonic() < end and not settings.stopped_file.exists():
        time.sleep(_LOOK_EVERY_S)


def hand_over(settings: Settings) -> Outcome:
    """Hand the master's role to another pod; return at once when this pod is not the master.

    Raises:
        ServerError: Redis or Sentinel did not answer; writes are allowed again.
    """
    with operator(settings, "127.0.0.1") as redis:
        if redis.role() != "master":
            return Outcome(done=True, what="stop: this pod is a replica, nothing to hand over")
        # Before the pause, because a peer that is down costs a second.
        heir = _elected_already(settings)
        redis.call("CLIENT", "PAUSE", str(_PAUSE_MS), "WRITE")
        try:
            if heir is None:
                _ask_for_failover(settings)
                heir = _await_heir(settings)
        finally:
            if heir is None:
                redis.call("CLIENT", "UNPAUSE")
        if heir is None:
            return Outcome(done=False, what="stop: no other pod took over in time; writes resumed")
        if redis.role() == "master":
            redis.call("REPLICAOF", heir, str(settings.redis_port))
        redis.call("CLIENT", "UNPAUSE")
        redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        _await_copy(redis)
        return Outcome(done=True, what=f"stop: handed over to {heir}")


def _elected_already(settings: Settings) -> str | None:
    """The master that a quorum of sentinels names instead of this pod; None if there is none.

    A failover would take the role from that healthy master.
    """
    named = Counter(current_master(settings, host) for host in ("127.0.0.1", *settings.peers))
    del named[None], named[settings.own_host]
    host, votes = next(iter(named.most_common(1)), (None, 0))
    return host if host and votes >= settings.quorum and _leads(settings, host) else None


def _await_copy(redis: Server) -> None:
    """Wait until Redis has its new master's data, but at most fifteen seconds.

    Redis refuses to exit while it writes its first append-only file after a full synchronization
    ("Writing initial AOF, can't exit" in server.c), and does not try again. The kubelet would have
    to kill it.
    """
    end = time.monotonic() + _COPY_S
    with suppress(ServerError):  # the role is handed over, so errors do not matter now
        while time.monotonic() < end and (redis.link() != "connected" or redis.rewrites_its_file()):
            time.sleep(_LOOK_EVERY_S)


def _ask_for_failover(settings: Settings) -> None:
    """Ask one sentinel after the other until one agrees.

    A sentinel that has just started may not know the replicas yet, and the sentinel of this pod may
    have ended first.
    """
    end = time.monotonic() + _REFUSALS_S
    while True:
        for host in ("127.0.0.1", *settings.peers):
            try:
                with sentinel(settings, host) as watcher:
                    watcher.call("SENTINEL", "FAILOVER", settings.master_name)
            except ServerError as refused:
                if time.monotonic() >= end:
                    raise
                say(f"stop: {host} refuses for now: {refused}")
            else:
                return
        time.sleep(_LOOK_EVERY_S)


def _await_heir(settings: Settings) -> str | None:
    end = time.monotonic() + _SWITCH_DEADLINE_S
    while time.monotonic() < end:
        for host in ("127.0.0.1", *settings.peers):
            named = current_master(settings, host)
            if named and named != settings.own_host and _leads(settings, named):
                return named
        time.sleep(_LOOK_EVERY_S)
    return None


def _leads(settings: Settings, host: str) -> bool:
    try:
        with operator(settings, host) as server:
            return server.role() == "master"
    except ServerError:
        return False  # still being promoted
