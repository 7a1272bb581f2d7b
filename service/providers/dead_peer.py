"""Finding out that the machine at the other end of a connection is gone.

The kernel sends unacknowledged bytes again for a quarter of an hour before it gives up, and a
machine without power looks meanwhile like a provider that thinks. `TCP_USER_TIMEOUT` would shorten
that, but it also ends connections to living peers that take their time to read a large request. The
kernel's own counters tell the two apart (struct tcp_info, include/uapi/linux/tcp.h): bytes that
were sent and are not acknowledged in spite of retransmissions, and bytes that wait for room at the
peer.
"""

import asyncio
import contextlib
import socket
import struct
import weakref
from typing import Any

__all__ = ["SilenceWatch"]

_EVERY_S = 0.25
_RETRANSMITS = 2
"""In a row without an answer: one packet may be lost."""
_TCP_INFO: int = getattr(socket, "TCP_INFO", 0)
"""0 where the system has no such counters: connections are not watched then."""
_LAYOUT = struct.Struct("=8B13I")
"""As far as tcpi_last_ack_recv."""
_RETRANSMITS_AT, _UNACKED_AT, _LAST_ACK_AT = 2, 8 + 4, 8 + 12


class SilenceWatch:
    """Makes sockets, and ends those whose peer has been silent for too long.

    Args:
        silence_s: seconds without an acknowledgement while bytes are under way.
    """

    def __init__(self, silence_s: float) -> None:
        self.allow(silence_s)
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._task: asyncio.Task[None] | None = None

    def allow(self, silence_s: float) -> None:
        """Seconds from now on, also for the sockets that are there."""
        self._silence_ms = int(silence_s * 1000)

    def make(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket for one of `getaddrinfo`'s answers; the form that aiohttp's connector wants."""
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        if _TCP_INFO:
            self._sockets.add(made)
            if self._task is None or self._task.done():
                self._task = asyncio.ensure_future(self._watch())
        return made

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while self._sockets:
            await asyncio.sleep(_EVERY_S)
            for each in list(self._sockets):
                if each.fileno() < 0:
                    self._sockets.discard(each)
                elif self._is_lost(each):
                    self._sockets.discard(each)
                    with contextlib.suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)

    def _is_lost(self, each: socket.socket) -> bool:
        try:
            info = each.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _LAYOUT.size)
        except OSError:
            return False
        if len(info) < _LAYOUT.size:
            return False
        counters = _LAYOUT.unpack(info)
        return bool(
            counters[_UNACKED_AT]
            and counters[_RETRANSMITS_AT] >= _RETRANSMITS
            and counters[_LAST_ACK_AT] >= self._silence_ms
        )
