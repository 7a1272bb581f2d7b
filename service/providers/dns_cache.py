"""A DNS cache for the providers' addresses, with lookups in separate threads.

uvloop resolves names in libuv's thread pool, which runs two lookups at a time. A connection to a
numeric address uses the same two slots. An unreachable name server blocks a lookup for ten seconds
or more, so two such lookups would block every new connection to every provider (libuv:
`UV__WORK_SLOW_IO` in src/threadpool.c).
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from service.resilience.stale_while_revalidate import StaleWhileRevalidateCache

__all__ = ["Address", "DnsCache"]

FRESH_S = 5.0
"""Seconds after which a name is resolved again in the background, while the old address is used."""
KEEP_S = 30.0
"""Seconds between two lookups of the providers' names, whether or not they are used."""
AGAIN_S = 0.5
"""Seconds until a lookup that no name server answered is repeated. The pause doubles each time, up
to KEEP_S."""
OLD_S = 60.0
"""Age in seconds from which on a request waits for a new lookup, since the address may be stale."""
MAX_WAIT_S = 0.5
"""The longest such wait in seconds: an old address is better than none."""

_Query: TypeAlias = tuple[str, int, socket.AddressFamily]


class Address(NamedTuple):
    """An address to connect to; `host` is numeric."""

    family: socket.AddressFamily
    protocol: int
    host: str
    port: int


class DnsCache:
    """Addresses by name. Known addresses stay valid while no name server answers."""

    def __init__(self) -> None:
        self.kept = asyncio.Event()
        """Set when `keep` got an answer for every name: an address, or that there is none."""
        self._known: StaleWhileRevalidateCache[_Query, list[Address]] = StaleWhileRevalidateCache(
            _looked_up, fresh_s=FRESH_S, old_s=OLD_S, max_wait_s=MAX_WAIT_S
        )
        self._turn = 0

    async def addresses(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[Address]:
        """All addresses of a name, each time starting with the next one.

        Raises:
            OSError: the name never had an address.
        """
        found = await self._known.get((host, port, family))
        self._turn += 1
        first = self._turn % len(found) if found else 0
        return [*found[first:], *found[:first]]

    async def keep(self, urls: Iterable[str]) -> None:
        """Resolve the hosts of `urls` periodically. Never returns.

        Otherwise a provider that is used only when another one fails would have no address when the
        name server fails together with that provider.
        """
        places = {_place(url) for url in urls}
        pause_s = AGAIN_S
        while True:
            lookups = (self.addresses(*place) for place in places)
            found = await asyncio.gather(*lookups, return_exceptions=True)
            if any(_is_lost(one) for one in found):
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, KEEP_S)
            else:
                self.kept.set()
                pause_s = AGAIN_S
                await asyncio.sleep(KEEP_S)

    def close(self) -> None:
        """Stop waiting for lookups."""
        self._known.close()


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_lost(found: object) -> bool:
    """Whether no name server answered."""
    return isinstance(found, socket.gaierror) and found.errno == socket.EAI_AGAIN


async def _looked_up(query: _Query) -> list[Address]:
    """Resolve a name with the system's resolver, in a new thread.

    A lookup cannot be cancelled, so the thread is a daemon that does not delay the process's exit.

    Raises:
        OSError: the name has no address, or no name server answers.
    """
    host, port, family = query
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[list[Address]] = loop.create_future()

    def settle(found: list[Address] | OSError) -> None:
        if answered.done():  # cancelled
            return
        if isinstance(found, OSError):
            answered.set_exception(found)
        else:
            answered.set_result(found)

    def look() -> None:
        try:
            infos = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
        except OSError as error:
            found = error
        else:
            found = [Address(info[0], info[2], str(info[4][0]), int(info[4][1])) for info in infos]
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=look, name=f"look up {host}", daemon=True).start()
    return await answered
