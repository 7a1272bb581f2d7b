"""One request and its answer, as the stages pass it on.

Fields without a default are set by the stage that is named beside them; reading one before its
stage ran is an error of the order, and raises.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send

from contract.headers import PROVIDER, REQUEST_ID
from service.pipeline.lanes import Lane
from service.providers.dialect import ChatCall, StreamScanner
from service.providers.http import UpstreamAnswer
from service.resilience.breaker import Permit
from service.state.key_ring import ApiKey

__all__ = ["CONNECTION", "Abort", "Committed", "Connection", "Exchange"]

CONNECTION = "seawall.connection"
"""The ASGI extension under which the server hands over the `Connection`."""

Headers = list[tuple[bytes, bytes]]

SSE_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    # nginx and those who copied it hold streams back without this.
    (b"x-accel-buffering", b"no"),
]


class Connection(Protocol):
    """What a request may ask of the connection that it came on."""

    def flush_by(self, when: float) -> None:
        """Give the client until `when`, in loop time, to take what it was sent."""
        ...

    def hang_up(self) -> None:
        """Close now, whatever the client has not read yet."""
        ...


class Abort(Enum):
    """Why a request is ended from outside."""

    CLIENT_GONE = "the client left"
    DEADLINE = "the total deadline passed"
    SHUTDOWN = "the replica is shutting down"


@dataclass(slots=True)
class Committed:
    """The attempt whose answer goes to the client. `first` is what has been read so far."""

    lane: Lane
    permit: Permit
    answer: UpstreamAnswer
    first: bytes
    scanner: StreamScanner | None


@dataclass(slots=True, eq=False)
class Exchange:
    """The state of one request."""

    scope: Scope
    receive: Receive
    _send: Send
    route: str
    request_id: str = ""
    closing: bool = False
    """Whether the answer asks the client to leave this connection."""
    deadline: float = 0.0
    """Loop time; set by admission."""
    body: bytes = b""
    key: ApiKey | None = None
    call: ChatCall = field(init=False)
    """Set by decode."""
    plan: list[Lane] = field(init=False)
    """Set by route."""
    committed: Committed = field(init=False)
    """Set by attempts."""
    model: str = ""
    provider: str = ""
    attempts: int = 0
    extra_headers: Headers = field(default_factory=list[tuple[bytes, bytes]])
    task: asyncio.Task[object] | None = None
    aborted: Abort | None = None
    status: int = 0
    streaming: bool = False
    complete: bool = False
    bytes_out: int = 0

    @property
    def started(self) -> bool:
        """Whether the client has been sent a status."""
        return self.status != 0

    @property
    def connection(self) -> Connection | None:
        """The connection, when the server is this project's own."""
        return self.scope.get("extensions", {}).get(CONNECTION)

    def abort(self, reason: Abort) -> None:
        """End the request from outside; the first reason counts."""
        if self.aborted is None and not self.complete and self.task is not None:
            self.aborted = reason
            self.task.cancel()

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.status = status
        every = [*headers, *self.extra_headers, (REQUEST_ID.encode(), self.request_id.encode())]
        if self.provider:
            every.append((PROVIDER.encode(), self.provider.encode()))
        if self.closing:
            every.append((b"connection", b"close"))
        message: Message = {"type": "http.response.start", "status": status, "headers": every}
        await self._send(message)

    async def start_stream(self) -> None:
        """Send the headers of a streamed answer."""
        self.streaming = True
        await self.start(200, SSE_HEADERS)

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send bytes; waits while the client is slow. `more=False` ends the answer."""
        self.bytes_out += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        if not more:
            self.complete = True

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self.start(status, [*headers, (b"content-length", str(len(body)).encode())])
        await self.write(body, more=False)
