"""Free a Sentinel whose event loop spins on an unread socket error.

The cause is in `agents.redis.reachability`.
"""

import re
import time

from agents.env import SettingsError
from agents.log import say
from agents.redis.server import Server, ServerError
from agents.redis.settings import Settings

__all__ = ["SpinGuard"]

_SHARE = 0.1
"""Of a core. An idle Sentinel spends 0.006; one that spins spends all that its limit allows."""
_BUSY = re.compile(r"[so]_down|failover_in_progress")
"""Flags of a server that is away, or of a master that is being replaced."""
_WINDOW_S = 4.0
"""A little less than the period of the readiness probe."""


class SpinGuard:
    """Makes a spinning Sentinel reconnect to the other servers.

    `await_route` prevents most spins. It cannot see when kube-proxy on another node writes its
    rules, which a busy node does seconds later.

    Args:
        settings: the pod's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: tuple[float, float] | None = None
        self._spins = False

    def look(self, sentinel: Server) -> None:
        """Compare Sentinel's CPU time with the last look; act when two intervals used too much.

        It acts only while Sentinel sees every server up. One that is away makes Sentinel spin with
        each attempt to connect, and a failover needs the connections. The container's log tells
        when a spin begins and when it is over.

        Args:
            sentinel: the pod's own.

        Raises:
            ServerError: it does not answer.
        """
        now, cpu_s = time.monotonic(), sentinel.cpu_s()
        if self._seen is None or cpu_s < self._seen[1]:  # the first look, or a new process
            self._seen = now, cpu_s
        if now - self._seen[0] < _WINDOW_S:
            return
        share = (cpu_s - self._seen[1]) / (now - self._seen[0])
        self._seen = now, cpu_s
        spun, self._spins = self._spins, share > _SHARE
        if self._spins and not spun:
            say(f"sentinel spends {share:.2f} of a core")
        elif spun and not self._spins:
            say("sentinel rests again")
        elif spun and self._sees_all_up(sentinel):
            say(f"sentinel still spends {share:.2f} of a core: it reconnects now")
            self._reconnect(sentinel)

    def _sees_all_up(self, sentinel: Server) -> bool:
        asked = ("MASTER", "REPLICAS", "SENTINELS")
        told = (sentinel.call("SENTINEL", what, self._settings.master_name) for what in asked)
        return not any(_BUSY.search(str(answer)) for answer in told)

    def _reconnect(self, sentinel: Server) -> None:
        """Set Sentinel's passwords to the values that it has: it then drops its connections.

        The first command is about Redis servers, the second about other Sentinels. Neither changes
        what Sentinel knows of them.
        """
        try:
            to_redis = self._settings.password("redis-sentinel-password")
            to_sentinels = self._settings.password("sentinel-password")
            sentinel.call("SENTINEL", "SET", self._settings.master_name, "auth-pass", to_redis)
            sentinel.call("SENTINEL", "CONFIG", "SET", "sentinel-pass", to_sentinels)
        except (ServerError, SettingsError) as failed:
            say(f"sentinel's connections are as they were: {failed}")
