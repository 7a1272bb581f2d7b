"""The parts of ASGI that the simulator needs, and a TCP reset, which ASGI does not offer."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Answering", "ClientGone", "ResettableProtocol", "read_body", "send_json", "send_whole"]

Headers = list[tuple[bytes, bytes]]
_TRANSPORT = "seawall.transport"


class ClientGone(Exception):  # noqa: N818 - what happened, not a fault of this program
    """The client left before the answer was complete."""


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, extended so that the application gets the transport."""

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: self.transport}  # type: ignore[typeddict-unknown-key]


async def read_body(receive: Receive) -> bytes:
    """The whole request body."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, status: int, body: bytes) -> None:
    """Send a whole JSON answer."""
    await send_whole(send, status, [(b"content-type", b"application/json")], body)


class Answering:
    """One answer in progress, which is cancelled when the client leaves."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self.send = send

    async def run(self, answer: Coroutine[Any, Any, None]) -> None:
        """Run `answer` until it is done, or until the client leaves.

        Raises:
            ClientGone: the client left first.
        """
        task = asyncio.ensure_future(answer)
        gone = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientGone
            await task
        finally:
            for part in (task, gone):
                part.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await part

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send some of the body."""
        await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes) -> None:
        """Send the rest of the body."""
        await self.send({"type": "http.response.body", "body": data, "more_body": False})

    async def reset(self) -> None:
        """Break the connection with a TCP reset at once; it does not return to the caller."""
        transport: asyncio.Transport = self._scope["extensions"][_TRANSPORT]
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.Event().wait()
