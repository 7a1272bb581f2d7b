"""Frees a Sentinel whose event loop spins on an unread socket error.

`agents.redis.reachability` explains the cause.
"""

import re
import time

from agents.env import SettingsError
from agents.log import say
from agents.redis.server import Server, ServerError
from agents.redis.settings import Settings

__all__ = ["SpinGuard"]

_SHARE = 0.1
"""The share of a core. An idle Sentinel uses 0.006; one that spins uses all of its CPU limit."""
_BUSY = re.compile(r"[so]_down|failover_in_progress")
"""Flags of a server that is down, or of a master that is being replaced."""
_WINDOW_S = 4.0
"""A little less than the period of the readiness probe."""


class SpinGuard:
    """Makes a spinning Sentinel reconnect to the other servers.

    `await_route` prevents most spins. It cannot see when kube-proxy on another node writes its
    rules, which a busy node does seconds later.

    Args:
        settings: the settings of the pod.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: tuple[float, float] | None = None
        self._spins = False

    def look(self, sentinel: Server) -> None:
        """Compare Sentinel's CPU time with the last check; act when it was too high twice in a row.

        It acts only while Sentinel sees every server up. A server that is down makes Sentinel spin
        with each attempt to connect, and a failover needs the connections. The beginning and the
        end of a spin are written to the container's log.

        Args:
            sentinel: the sentinel of this pod.

        Raises:
            ServerError: it does not answer.
        """
        now, cpu_s = time.monotonic(), sentinel.cpu_s()
        if self._seen is None or cpu_s < self._seen[1]:  # the first check, or a new process
            self._seen = now, cpu_s
        if now - self._seen[0] < _WINDOW_S:
            return
        share = (cpu_s - self._seen[1]) / (now - self._seen[0])
        self._seen = now, cpu_s
        spun, self._spins = self._spins, share > _SHARE
        if self._spins and not spun:
            say(f"sentinel uses {share:.2f} of a core")
        elif spun and not self._spins:
            say("sentinel is idle again")
        elif spun and self._sees_all_up(sentinel):
            say(f"sentinel still uses {share:.2f} of a core: it reconnects now")
            self._reconnect(sentinel)

    def _sees_all_up(self, sentinel: Server) -> bool:
        asked = ("MASTER", "REPLICAS", "SENTINELS")
        replies = (sentinel.call("SENTINEL", what, self._settings.master_name) for what in asked)
        return not any(_BUSY.search(str(answer)) for answer in replies)

    def _reconnect(self, sentinel: Server) -> None:
        """Set Sentinel's passwords to their current values, so that it drops its connections.

        The first command is for connections to Redis servers, the second for those to other
        Sentinels. Neither changes what Sentinel knows about them.
        """
        try:
            to_redis = self._settings.password("redis-sentinel-password")
            to_sentinels = self._settings.password("sentinel-password")
            sentinel.call("SENTINEL", "SET", self._settings.master_name, "auth-pass", to_redis)
            sentinel.call("SENTINEL", "CONFIG", "SET", "sentinel-pass", to_sentinels)
        except (ServerError, SettingsError) as failed:
            say(f"sentinel did not reconnect: {failed}")
