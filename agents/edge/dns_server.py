"""The entrance's name server: it tells nginx the gateway's pods at once, as they were last heard.

nginx resolves names itself, and a request waits for that. Its questions go out from one socket, so
that a cluster whose name server died with a node answers none of them until the network notices;
nginx asks again after five seconds. Here the cluster's name server is asked twice a second, each
time from a new socket and without waiting for the question before; what was heard last stands until
something newer is heard. So nobody waits for a name server, and no pod is forgotten because of one.
"""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from typing import cast

from agents.edge.dns_messages import answer
from agents.log import say
from agents.redis.http_probe import answer_probes, ended_by_a_signal
from contract import ports

__all__ = ["Names", "main", "serve"]

_EVERY_S = 0.5
_AT_ONCE = 8
"""Questions under way at most; each is given up by the resolver after some seconds."""
_LOOPBACK = "127.0.0.1"


class Names:
    """The addresses of one name, asked for again and again.

    Args:
        host: the name.
        lookup: its addresses now; raises OSError when they cannot be had.
    """

    def __init__(self, host: str, lookup: Callable[[str], Awaitable[tuple[str, ...]]]) -> None:
        self._host = host
        self._lookup = lookup
        self._heard = 0
        self._asked = 0
        self._asking: set[asyncio.Task[None]] = set()
        self.addresses: tuple[str, ...] = ()
        """Empty until something was heard; never empty again."""

    async def ask_forever(self) -> None:
        """Ask on a fixed schedule, whether or not earlier questions were answered."""
        while True:
            self.ask()
            await asyncio.sleep(_EVERY_S)

    def ask(self) -> None:
        """Send one question, unless too many wait already."""
        if len(self._asking) >= _AT_ONCE:
            return
        self._asked += 1
        task = asyncio.create_task(self._ask(self._asked))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, number: int) -> None:
        try:
            found = await self._lookup(self._host)
        except OSError:
            return  # what was heard before stands: a name server is never a dependency
        if not found or number < self._heard:
            return
        self._heard = number
        if found != self.addresses:
            say(f"{self._host} is {', '.join(found)}")
        self.addresses = found


class _Server(asyncio.DatagramProtocol):
    """Answers each question for the one name that there is, whatever it is called."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own transport of sockets is none by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        known = list(self._names.addresses)
        # Whoever takes the first of them must not always take the same pod.
        random.shuffle(known)
        said = answer(data, known)
        if said and self._transport:
            self._transport.sendto(said, addr)


def main(host: str) -> int:
    """Serve until SIGTERM or SIGQUIT; the exit code."""
    asyncio.run(_until_a_signal(Names(host, _lookup)))
    return 0


async def _until_a_signal(names: Names) -> None:
    await serve(names, ended_by_a_signal())


async def serve(
    names: Names,
    ended: asyncio.Event,
    *,
    port: int = ports.ENTRANCE_NAMES,
    health_port: int = ports.ENTRANCE_NAMES_HEALTH,
) -> None:
    """Answer nginx on `port` and probes on `health_port` until `ended`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(names), local_addr=(_LOOPBACK, port)
    )
    asking = asyncio.create_task(names.ask_forever())

    async def why_not_ready() -> str:
        return "" if names.addresses else "no address was heard yet"

    health = await answer_probes(health_port, why_not_ready)
    await ended.wait()
    asking.cancel()
    health.close()
    transport.close()


async def _lookup(host: str) -> tuple[str, ...]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return tuple(sorted({str(address[0]) for *_, address in found}))
