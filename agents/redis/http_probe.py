"""Answers the probes of a pod by HTTP, without a web server."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

from contract import paths

__all__ = ["answer_probes", "ended_by_a_signal"]

_TIMEOUT_S = 2.0
_GONE = (
    *(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError),
    asyncio.CancelledError,
)
"""The client left or sent no HTTP, or this process ends; the connection is closed unanswered."""


async def answer_probes(port: int, why_not: Callable[[], Awaitable[str]]) -> asyncio.Server:
    """Start a server on `port` of all addresses.

    Args:
        port: TCP port.
        why_not: returns the reason for not being ready in one line, which becomes the body of a
            503; empty for a 200. Every probe calls it, except liveness probes.
    """

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_GONE), contextlib.closing(writer):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _TIMEOUT_S)
            lacking = (
                "" if head.startswith(f"GET {paths.HEALTH_LIVE} ".encode()) else await why_not()
            )
            body = (lacking or "ready").encode() + b"\n"
            status = "503 Service Unavailable" if lacking else "200 OK"
            length = f"content-length: {len(body)}\r\nconnection: close"
            writer.write(f"HTTP/1.1 {status}\r\n{length}\r\n\r\n".encode() + body)
            await writer.drain()

    return await asyncio.start_server(respond, port=port)


def ended_by_a_signal() -> asyncio.Event:
    """An event that SIGTERM, SIGQUIT and SIGINT set.

    The first process of a container only gets signals for which it has a handler.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended
