"""Addresses of providers by name: remembered, and looked up in threads of their own.

uvloop looks names up in libuv's pool of threads, where two lookups run at a time, and connecting to
an address that is a number passes through the same two places. A name server that is lost keeps a
lookup for ten seconds or more. So two of them would hold up every new connection to every provider
(libuv: `UV__WORK_SLOW_IO` in src/threadpool.c).
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from service.resilience.lasting import LastingCache

__all__ = ["LastingNames"]

FRESH_S = 5.0
"""Then a name is looked up again, beside the requests, which go on with what is known."""
KEEP_S = 30.0
"""Between two lookups of the providers' names, asked for or not."""
OLD_S = 60.0
"""A name that nobody asked for so long is waited for: it may have moved since yesterday."""
PATIENCE_S = 0.5
"""So long at most: an old address is better than none."""

_Asked: TypeAlias = tuple[str, int, socket.AddressFamily]
_AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]


class LastingNames(AbstractResolver):
    """Addresses by name. Those that are known stay so while no name server answers."""

    def __init__(self) -> None:
        self._known: LastingCache[_Asked, list[ResolveResult]] = LastingCache(
            _looked_up, fresh_s=FRESH_S, old_s=OLD_S, patience_s=PATIENCE_S
        )
        self._turn = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See aiohttp; raises OSError for a name that never had an address."""
        found = await self._known.get((host, port, family))
        self._turn += 1
        first = self._turn % len(found) if found else 0
        return [*found[first:], *found[:first]]  # each address has its turn

    async def keep(self, urls: Iterable[str]) -> None:
        """Look the hosts of `urls` up, again and again. Never returns.

        A provider that is asked only when another one fails would have no address when a name
        server fails together with that other one.
        """
        places = {_place(url) for url in urls}
        while True:
            lookups = (self.resolve(*place, socket.AddressFamily.AF_UNSPEC) for place in places)
            await asyncio.gather(*lookups, return_exceptions=True)
            await asyncio.sleep(KEEP_S)

    async def close(self) -> None:
        """See aiohttp."""
        self._known.close()


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _looked_up(asked: _Asked) -> list[ResolveResult]:
    """What the system's resolver knows of a name.

    Nobody waits for the thread at the end of the process: a lookup cannot be ended.

    Raises:
        OSError: the name has no address, or no name server answers.
    """
    host, port, family = asked
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[list[_AddressInfo]] = loop.create_future()

    def settle(found: list[_AddressInfo] | OSError) -> None:
        if answered.done():  # cancelled
            return
        if isinstance(found, OSError):
            answered.set_exception(found)
        else:
            answered.set_result(found)

    def look() -> None:
        try:
            found = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
        except OSError as error:
            found = error
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=look, name=f"look up {host}", daemon=True).start()
    return [
        ResolveResult(
            hostname=host,
            host=address[0],
            port=address[1],
            family=its_family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for its_family, _, protocol, _, address in await answered
    ]
