"""One request and its answer, as the stages pass it on.

The docstring of a field without a default names the stage that sets it. Reading the field before
that stage has run is a bug in the order of the stages, and raises AttributeError.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from starlette.types import Message, Receive, Scope, Send

from contract.gateway_config import Timeouts
from contract.headers import ADAPTED, DEGRADED, PROVIDER, REQUEST_ID
from service.pipeline.client_formats import OPENAI, ClientApi
from service.pipeline.upstreams import Upstream
from service.providers.chat_request import NOTHING, ChatCall, Usage
from service.providers.dialect import StreamScanner
from service.providers.http import UpstreamAnswer
from service.resilience.breaker import Permit
from service.resilience.stale_cache import MAX_ANSWER_BYTES as MAX_COPY_BYTES
from service.state.key_ring import ApiKey

if TYPE_CHECKING:
    from service.tracing.spans import RequestSpans

__all__ = ["CONNECTION", "Abort", "Committed", "Connection", "Exchange", "Headers"]

_REQUEST_ID, _PROVIDER = REQUEST_ID.encode(), PROVIDER.encode()
CONNECTION = "seawall.connection"
"""The ASGI extension under which the server hands over the `Connection`."""

Headers = list[tuple[bytes, bytes]]

SSE_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    # Without this, nginx and compatible proxies buffer streams.
    (b"x-accel-buffering", b"no"),
]


class Connection(Protocol):
    """The connection that a request came on, as the stages use it."""

    @property
    def body_arrived(self) -> bool:
        """Whether the whole request has arrived, so that reading it does not wait."""
        ...

    def when_lost(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the client closes the connection; at once when it is closed."""
        ...

    def forget(self, callback: Callable[[], None]) -> None:
        """Cancel this callback; a callback of a later request on this connection stays."""
        ...

    async def answer(
        self, send: Send, status: int, headers: Headers, body: bytes, *, close: bool
    ) -> bool:
        """Send a whole answer at once.

        Returns:
            False when `send` does not belong to this connection; then nothing was sent.
        """
        ...

    def flush_by(self, when: float, *, at_least_s: float = 0.0) -> None:
        """Give the client until `when`, in loop time, to read what it was sent."""
        ...

    def hang_up(self) -> None:
        """Close now, and discard what the client has not read yet."""
        ...


class Abort(Enum):
    """Why a request is ended from outside."""

    CLIENT_GONE = "the client left"
    DEADLINE = "the total deadline passed"
    SHUTDOWN = "the replica is shutting down"


@dataclass(slots=True)
class Committed:
    """The attempt whose answer goes to the client. `first` is what has been read so far."""

    upstream: Upstream
    permit: Permit
    answer: UpstreamAnswer
    first: bytes
    scanner: StreamScanner | None
    usage: Usage
    """The usage of a whole answer; for a stream, the scanner knows it at the end."""
    adapted: Sequence[str] = ()
    """Fields of the request that were changed for this target."""


@dataclass(slots=True, eq=False)
class Exchange:
    """The state of one request."""

    scope: Scope
    receive: Receive
    _send: Send
    route: str
    client: ClientApi = OPENAI
    request_id: str = ""
    closing: bool = False
    """Whether the answer asks the client to close this connection."""
    deadline: float = 0.0
    """Loop time; set by admission."""
    body: bytes = b""
    key: ApiKey | None = None
    call: ChatCall = field(init=False)
    """Set by decode."""
    name: str = ""
    """The model name that is tried: first the client's, then its fallbacks. Set by fallback."""
    plan: list[Upstream] = field(init=False)
    """Set by route."""
    timeouts: Timeouts = field(init=False)
    """Set by route."""
    committed: Committed = field(init=False)
    """Set by failover."""
    trace: dict[str, str] = field(default_factory=dict[str, str])
    """The headers of the trace that the request belongs to. Set by decode, or by trace."""
    spans: "RequestSpans | None" = None
    """Set by trace, a stage that exists only when tracing is configured."""
    model: str = ""
    last_tried: Upstream | None = None
    """The target that was tried last. Set by failover."""
    provider: str = ""
    attempts: int = 0
    adapted: Sequence[str] = ()
    """Fields of the request that were changed for the target that answers."""
    degraded: str = ""
    """The fallback that answers: `fallback` or `stale`; empty when the model's own targets do."""
    extra_headers: Headers = field(default_factory=list[tuple[bytes, bytes]])
    task: asyncio.Task[object] | None = None
    aborted: Abort | None = None
    status: int = 0
    streaming: bool = False
    complete: bool = False
    broken: bool = False
    """Whether the answer ended with an error after it had begun."""
    bytes_out: int = 0
    copy: list[bytes] | None = None
    """A copy of the body for the stale cache; None when it is not wanted or is too large."""
    usage: Usage = NOTHING
    """Set by relay, when the answer ends."""
    connection: Connection | None = field(init=False)
    """None when another server than the project's own runs the application."""

    def __post_init__(self) -> None:
        self.connection = self.scope.get("extensions", {}).get(CONNECTION)

    @property
    def started(self) -> bool:
        """Whether the status was sent to the client."""
        return self.status != 0

    def abort(self, reason: Abort) -> None:
        """Cancel the request from outside; the first reason counts."""
        if self.aborted is None and not self.complete and self.task is not None:
            self.aborted = reason
            self.task.cancel()

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.status = status
        every = self._with_own(headers)
        if self.closing:
            every.append((b"connection", b"close"))
        message: Message = {"type": "http.response.start", "status": status, "headers": every}
        await self._send(message)

    async def start_stream(self) -> None:
        """Send the headers of a streamed answer."""
        self.streaming = True
        await self.start(200, SSE_HEADERS)

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send bytes, and wait while the client is slow. `more=False` ends the answer."""
        self._note(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        if not more:
            self.complete = True

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        sized = [*headers, (b"content-length", b"%d" % len(body))]
        connection = self.connection
        if connection is not None:
            self.status = status
            every = self._with_own(sized)
            if await connection.answer(self._send, status, every, body, close=self.closing):
                self._note(body)
                self.complete = True
                return
        await self.start(status, sized)
        await self.write(body, more=False)

    def _with_own(self, headers: Headers) -> Headers:
        every = [*headers, *self.extra_headers, (_REQUEST_ID, self.request_id.encode())]
        if self.client.request_id:
            every.append((self.client.request_id, self.request_id.encode()))
        if self.provider:
            every.append((_PROVIDER, self.provider.encode()))
        if self.adapted:
            every.append((ADAPTED.encode(), ", ".join(self.adapted).encode()))
        if self.degraded:
            every.append((DEGRADED.encode(), self.degraded.encode()))
        return every

    def _note(self, data: bytes) -> None:
        self.bytes_out += len(data)
        if self.copy is not None:
            self.copy.append(data)
            if self.bytes_out > MAX_COPY_BYTES:
                self.copy = None
