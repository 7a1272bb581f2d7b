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
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from service.resilience.stale_while_revalidate import LastingCache

__all__ = ["Address", "LastingNames"]

FRESH_S = 5.0
"""Then a name is looked up again, beside the requests, which go on with what is known."""
KEEP_S = 30.0
"""Between two lookups of the providers' names, asked for or not."""
AGAIN_S = 0.5
"""Between two lookups of a name without an address, while the name server does not answer."""
OLD_S = 60.0
"""A name that nobody asked for so long is waited for: it may have moved since yesterday."""
PATIENCE_S = 0.5
"""So long at most: an old address is better than none."""

_Asked: TypeAlias = tuple[str, int, socket.AddressFamily]


class Address(NamedTuple):
    """Where to connect to; `host` is a number."""

    family: socket.AddressFamily
    protocol: int
    host: str
    port: int


class LastingNames:
    """Addresses by name. Those that are known stay so while no name server answers."""

    def __init__(self) -> None:
        self.kept = asyncio.Event()
        """Set when `keep` had an answer for every name: an address, or that there is none."""
        self._known: LastingCache[_Asked, list[Address]] = LastingCache(
            _looked_up, fresh_s=FRESH_S, old_s=OLD_S, patience_s=PATIENCE_S
        )
        self._turn = 0

    async def addresses(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[Address]:
        """All of a name's, another one first each time.

        Raises:
            OSError: the name never had an address.
        """
        found = await self._known.get((host, port, family))
        self._turn += 1
        first = self._turn % len(found) if found else 0
        return [*found[first:], *found[:first]]

    async def keep(self, urls: Iterable[str]) -> None:
        """Look the hosts of `urls` up, again and again. Never returns.

        A provider that is asked only when another one fails would have no address when a name
        server fails together with that other one.
        """
        places = {_place(url) for url in urls}
        while True:
            lookups = (self.addresses(*place) for place in places)
            found = await asyncio.gather(*lookups, return_exceptions=True)
            lost = any(_is_lost(one) for one in found)
            if not lost:
                self.kept.set()
            await asyncio.sleep(AGAIN_S if lost else KEEP_S)

    def close(self) -> None:
        """Wait for no answer any more."""
        self._known.close()


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _is_lost(found: object) -> bool:
    """Whether no name server answered."""
    return isinstance(found, socket.gaierror) and found.errno == socket.EAI_AGAIN


async def _looked_up(asked: _Asked) -> list[Address]:
    """What the system's resolver knows of a name.

    Nobody waits for the thread at the end of the process: a lookup cannot be ended.

    Raises:
        OSError: the name has no address, or no name server answers.
    """
    host, port, family = asked
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
