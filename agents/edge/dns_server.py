"""The DNS server of the edge proxy: it answers nginx at once with the last known gateway pods.

nginx resolves names itself, and a request waits for that. It sends its queries from one socket. If
the cluster's DNS server died with a node, none of them is answered until the network notices, and
nginx repeats a query only after five seconds. This server queries the cluster's DNS server twice a
second, each time from a new socket, and without waiting for the query before. The last answer stays
valid until a newer one arrives. So no request waits for the cluster's DNS, and its failure removes
no pod.
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
"""The most queries in flight; the resolver gives each of them up after some seconds."""
_LOOPBACK = "127.0.0.1"


class Names:
    """The addresses of one name, which is resolved periodically.

    Args:
        host: the name.
        lookup: returns its current addresses; raises OSError when the lookup fails.
    """

    def __init__(self, host: str, lookup: Callable[[str], Awaitable[tuple[str, ...]]]) -> None:
        self._host = host
        self._lookup = lookup
        self._heard = 0
        self._asked = 0
        self._asking: set[asyncio.Task[None]] = set()
        self.addresses: tuple[str, ...] = ()
        """Empty until the first answer, and never after that."""

    async def ask_forever(self) -> None:
        """Query on a fixed schedule, whether or not earlier queries were answered."""
        while True:
            self.ask()
            await asyncio.sleep(_EVERY_S)

    def ask(self) -> None:
        """Send one query, unless too many wait already."""
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
            return  # the last answer stays valid: the cluster's DNS is never a dependency
        if not found or number < self._heard:
            return
        self._heard = number
        if found != self.addresses:
            say(f"{self._host} is {', '.join(found)}")
        self.addresses = found


class _Server(asyncio.DatagramProtocol):
    """Answers every query with the addresses of the one name, whatever name it asks for."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's socket transport is not a DatagramTransport by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        known = list(self._names.addresses)
        # A client that takes the first address must not always get the same pod.
        random.shuffle(known)
        reply = answer(data, known)
        if reply and self._transport:
            self._transport.sendto(reply, addr)


def main(host: str) -> int:
    """Serve until SIGTERM or SIGQUIT; returns the exit code."""
    asyncio.run(_until_a_signal(Names(host, _lookup)))
    return 0


async def _until_a_signal(names: Names) -> None:
    await serve(names, ended_by_a_signal())


async def serve(
    names: Names,
    ended: asyncio.Event,
    *,
    port: int = ports.EDGE_NAMES,
    health_port: int = ports.EDGE_NAMES_HEALTH,
) -> None:
    """Answer nginx on `port` and probes on `health_port` until `ended`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(names), local_addr=(_LOOPBACK, port)
    )
    asking = asyncio.create_task(names.ask_forever())

    async def why_not_ready() -> str:
        return "" if names.addresses else "the gateway's name has not been resolved yet"

    health = await answer_probes(health_port, why_not_ready)
    await ended.wait()
    asking.cancel()
    health.close()
    transport.close()


async def _lookup(host: str) -> tuple[str, ...]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return tuple(sorted({str(address[0]) for *_, address in found}))
