"""How a master leaves: hand over first, so that no acknowledged write is lost.

Pause writes, let the sentinels fail over, wait until another pod leads, follow it, and send the
clients away. Without the pause about ten seconds of acknowledged writes are lost.
"""

import time
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from agents.log import say
from agents.observe import current_master, operator, sentinel
from agents.settings import Settings

__all__ = ["Outcome", "hand_over", "stop", "wait_for_stop"]

_PAUSE_MS = 20_000
_SWITCH_DEADLINE_S = 15.0
_SENTINEL_PATIENCE_S = 40.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the hand-over is done, and what to tell the log."""

    done: bool
    what: str


def stop(settings: Settings) -> None:
    """The preStop hook of the Redis container; never fails, since the pod ends anyway."""
    try:
        say(hand_over(settings).what)
    except (RedisError, OSError) as failed:
        say(f"stop: no hand-over: {type(failed).__name__}: {failed}")
    finally:
        settings.stopped_file.touch()


def wait_for_stop(settings: Settings) -> None:
    """The preStop hook of the sentinel container: it is needed until the hand-over is over."""
    end = time.monotonic() + _SENTINEL_PATIENCE_S
    while time.monotonic() < end and not settings.stopped_file.exists():
        time.sleep(_LOOK_EVERY_S)


def hand_over(settings: Settings) -> Outcome:
    """Hand the master's role to another pod; at once when this pod does not have it.

    Raises:
        RedisError, OSError: Redis or Sentinel did not answer; writes flow again.
    """
    with operator(settings, "127.0.0.1") as redis:
        if _role(redis) != "master":
            return Outcome(done=True, what="stop: I am a replica, nothing to hand over")
        redis.execute_command("CLIENT", "PAUSE", str(_PAUSE_MS), "WRITE")
        heir = None
        try:
            with sentinel(settings, "127.0.0.1") as watcher:
                watcher.execute_command("SENTINEL", "FAILOVER", settings.master_name)
            heir = _await_heir(settings)
        finally:
            if heir is None:
                redis.execute_command("CLIENT", "UNPAUSE")
        if heir is None:
            return Outcome(done=False, what="stop: no other pod took over in time; writes resumed")
        if _role(redis) == "master":
            redis.execute_command("REPLICAOF", heir, str(settings.redis_port))
        redis.execute_command("CLIENT", "UNPAUSE")
        redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        return Outcome(done=True, what=f"stop: handed over to {heir}")


def _await_heir(settings: Settings) -> str | None:
    end = time.monotonic() + _SWITCH_DEADLINE_S
    while time.monotonic() < end:
        named = current_master(settings, "127.0.0.1")
        if named and named != settings.own_host:
            try:
                with operator(settings, named) as heir:
                    if _role(heir) == "master":
                        return named
            except (RedisError, OSError):
                pass  # still being promoted
        time.sleep(_LOOK_EVERY_S)
    return None


def _role(client: Redis) -> str:
    answer: object = client.execute_command("ROLE")
    return str(answer[0]) if isinstance(answer, (list, tuple)) else "unknown"  # pyright: ignore[reportUnknownArgumentType]
