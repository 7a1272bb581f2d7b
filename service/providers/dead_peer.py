"""Detection of TCP connections whose peer machine is gone.

The kernel retransmits unacknowledged bytes for a quarter of an hour before it gives up. Until then
a machine without power looks like a provider that is thinking. `TCP_USER_TIMEOUT` would shorten
that time, but it also ends connections to live peers that read a large request slowly. The kernel's
counters distinguish the two cases (struct tcp_info, include/uapi/linux/tcp.h): bytes that stay
unacknowledged in spite of retransmissions, and bytes that wait for room in the peer's window.
"""

import asyncio
import contextlib
import socket
import struct
import weakref
from typing import Any

__all__ = ["DeadPeerDetector"]

_EVERY_S = 0.25
_RETRANSMITS = 2
"""Consecutive retransmissions without an acknowledgement; a single packet may be lost."""
_TCP_INFO: int = getattr(socket, "TCP_INFO", 0)
"""0 on systems without such counters; connections are not monitored there."""
_LAYOUT = struct.Struct("=8B13I")
"""The beginning of struct tcp_info, up to tcpi_last_ack_recv."""
_RETRANSMITS_AT, _UNACKED_AT, _LAST_ACK_AT = 2, 8 + 4, 8 + 12


class DeadPeerDetector:
    """Makes sockets, and shuts down those whose peer has been silent for too long.

    Args:
        silence_s: seconds without an acknowledgement while bytes are in flight.
    """

    def __init__(self, silence_s: float) -> None:
        self.allow(silence_s)
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._task: asyncio.Task[None] | None = None

    def allow(self, silence_s: float) -> None:
        """Set the allowed silence in seconds, also for existing sockets."""
        self._silence_ms = int(silence_s * 1000)

    def make(self, address: tuple[Any, ...]) -> socket.socket:
        """Make a socket for one result of `getaddrinfo`; a socket factory for aiohttp."""
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        if _TCP_INFO:
            self._sockets.add(made)
            if self._task is None or self._task.done():
                self._task = asyncio.ensure_future(self._watch())
        return made

    async def close(self) -> None:
        """Stop the monitoring task."""
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
