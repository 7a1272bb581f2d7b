"""Whether a Redis pod is ready, told by HTTP: `python -m agents health`, in a container of its own.

A probe that starts a command costs its node some 150 ms of processor time, whatever the command
is; one that asks here costs a hundredth of that.
"""

import asyncio

from agents.given import SettingsError
from agents.http_probe import answer_probes, ended_by_a_signal
from agents.server import ServerError, operator, sentinel
from agents.settings import Settings
from contract import ports

__all__ = ["main", "serve", "why_not_ready"]

_LOOPBACK = "127.0.0.1"


def main(settings: Settings) -> int:
    """Answer until SIGTERM or SIGQUIT; the exit code."""
    asyncio.run(_until_a_signal(settings))
    return 0


async def _until_a_signal(settings: Settings) -> None:
    await serve(settings, ended_by_a_signal())


async def serve(
    settings: Settings, ended: asyncio.Event, *, port: int = ports.REDIS_HEALTH
) -> None:
    """Answer on `port` until `ended`."""

    async def ask() -> str:
        return await asyncio.to_thread(why_not_ready, settings)

    server = await answer_probes(port, ask)
    await ended.wait()
    server.close()


def why_not_ready(settings: Settings) -> str:
    """What the pod lacks to be ready, in one line; empty when it lacks nothing.

    Ready is a master, or a replica whose link is up and whose copy is complete, beside a sentinel
    that sees enough others to agree with on a failover.
    """
    try:
        with operator(settings, _LOOPBACK) as redis:
            link = redis.link()
        if link != "connected":
            return f"the link to the master is in state {link}"
        with sentinel(settings, _LOOPBACK) as asked:
            asked.call("SENTINEL", "CKQUORUM", settings.master_name)
    except (ServerError, SettingsError) as failed:
        return str(failed)
    return ""
