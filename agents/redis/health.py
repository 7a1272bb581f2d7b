"""`python -m agents health`: a container of the Redis pod that answers its readiness probe by HTTP.

A probe that starts a command costs its node about 150 ms of processor time, whatever the command
is. An HTTP probe costs a hundredth of that.
"""

import asyncio

from agents.env import SettingsError
from agents.log import say
from agents.redis.http_probe import answer_probes, ended_by_a_signal
from agents.redis.server import Server, ServerError, operator, sentinel
from agents.redis.settings import Settings
from agents.redis.spin import SpinGuard
from contract import ports

__all__ = ["Health", "main", "serve"]

_LOOPBACK = "127.0.0.1"


class Health:
    """The servers of one pod; their connections stay open between checks.

    Args:
        settings: the settings of the pod.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers: tuple[Server, Server] | None = None
        self._said = ""
        self._spin_guard = SpinGuard(settings)

    def why_not_ready(self) -> str:
        """The reason why the pod is not ready, in one line; empty when it is ready.

        Redis is ready as a master that has loaded its data, or as a replica that is connected to
        its master. Sentinel is ready when it reaches enough others to agree on a failover. Each
        change is written to the container's log. Each call also checks whether Sentinel spins.
        """
        lacking = self._look()
        if lacking != self._said:
            self._said = lacking
            say(f"not ready: {lacking}" if lacking else "ready")
        return lacking

    def _look(self) -> str:
        try:
            redis, asked = self._opened()
            redis.call("PING")  # a server that loads its data answers ROLE, but not PING
            link = redis.link()
            if link != "connected":
                return f"the link to the master is in state {link}"
            self._spin_guard.look(asked)
            asked.call("SENTINEL", "CKQUORUM", self._settings.master_name)
        except (ServerError, SettingsError) as failed:
            self.close()  # the next call of _opened reads the passwords again
            return str(failed)
        return ""

    def _opened(self) -> tuple[Server, Server]:
        if self._servers is None:
            here = (operator(self._settings, _LOOPBACK), sentinel(self._settings, _LOOPBACK))
            self._servers = here
        return self._servers

    def close(self) -> None:
        """Close the connections."""
        servers, self._servers = self._servers or (), None
        for server in servers:
            server.close()


def main(settings: Settings) -> int:
    """Answer until SIGTERM or SIGQUIT; returns the exit code."""
    asyncio.run(_until_a_signal(Health(settings)))
    return 0


async def _until_a_signal(health: Health) -> None:
    await serve(health, ended_by_a_signal())


async def serve(health: Health, ended: asyncio.Event, *, port: int = ports.REDIS_HEALTH) -> None:
    """Answer on `port` until `ended`."""
    one_look_at_a_time = asyncio.Lock()

    async def ask() -> str:
        async with one_look_at_a_time:
            return await asyncio.to_thread(health.why_not_ready)

    server = await answer_probes(port, ask)
    await ended.wait()
    server.close()
    health.close()
