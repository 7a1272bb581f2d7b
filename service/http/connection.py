"""A client's connection: uvicorn's, with the time limits that it lacks.

A request's head has 10 s from its first byte, and so has the rest of a body that was answered
before it was read. What a client does not read is thrown away when its request's time is over, and
when it reads nothing for a minute.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from service.pipeline.exchange import CONNECTION, Headers

__all__ = ["HEAD_S", "ClientConnection"]

HEAD_S = 10.0
STALLED_S = 60.0
"""As nginx's send_timeout; answers of providers have their deadline, which may be sooner."""
MAX_PIPELINED = 64
"""Requests that wait for the answer before them: each takes some KB, before any limit is asked."""
JOINED_BYTES = 64 << 10
"""Above it a copy of the body costs more than a second write."""


class ClientConnection(HttpToolsProtocol):
    """See `service.pipeline.exchange.Connection`."""

    _head_open = False
    """Whether a head has begun and is not whole."""
    _head_timer: asyncio.TimerHandle | None = None
    _flush_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _told: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; a client that opens a connection has something to ask."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_head_timer()
        self._stop_flush_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)
        if self._told is not None:
            self._told()
            self._told = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; between two requests they begin the next, and end the idle time."""
        super().data_received(data)
        # Most heads arrive whole, and then no clock was started for them.
        if self._head_open or (self._answered() and self.timeout_keep_alive_task is None):
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin a request, and let its stages find this connection."""
        super().on_message_begin()
        if not self.flow.write_paused:  # else it has not read the answer before
            self._stop_flush_timer()
        self._head_open = True
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head_open = False
        self._stop_head_timer()
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self.transport.abort()

    def pause_writing(self) -> None:
        """The client does not read: it has a minute to begin."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALLED_S, self._hang_up_late)

    def resume_writing(self) -> None:
        """It reads."""
        self._stop_stall_timer()
        super().resume_writing()

    def on_message_complete(self) -> None:
        """The body is whole; when its answer is already given, the connection is idle again."""
        super().on_message_complete()
        if self._answered():
            self._stop_head_timer()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    @property
    def body_arrived(self) -> bool:
        """Whether the request that came last is whole; then those before it are, too."""
        return not self.cycle.more_body

    def when_lost(self, told: Callable[[], None]) -> None:
        """Call `told` when the client closes the connection; at once when it has."""
        self._told = told
        # Nobody calls receive() any more, which would go on reading after a large body.
        self.flow.resume_reading()
        if self.transport.is_closing():
            self.loop.call_soon(told)

    def forget(self, told: Callable[[], None]) -> None:
        """Do not call `told`; a later request of this connection may have put its own there."""
        if self._told is told:
            self._told = None

    async def answer(
        self, send: Send, status: int, headers: Headers, body: bytes, *, close: bool
    ) -> bool:
        """Send a whole answer, in one write; False, and nothing sent, when `send` is wrapped.

        The same as uvicorn's two messages, without a look at every header for how long the body is.

        Raises:
            RuntimeError: a header has a line break.
        """
        cycle = getattr(send, "__self__", None)
        if not isinstance(cycle, RequestResponseCycle):
            return False
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return True
        lines = [*cycle.default_headers, *headers]
        cycle.keep_alive = cycle.keep_alive and not close
        if not cycle.keep_alive:
            lines.append((b"connection", b"close"))
        parts = [STATUS_LINE[status]]
        for name, value in lines:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"\r\n")
        head = b"".join(parts)
        if not head.count(b"\r") == head.count(b"\n") == len(lines) + 2:
            raise RuntimeError("a header has a line break")
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        if len(body) <= JOINED_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def flush_by(self, when: float, *, at_least_s: float = 0.0) -> None:
        """Give the client until `when`, in loop time, to take what it was sent."""
        if self.transport.get_write_buffer_size():
            self._stop_flush_timer()
            when = max(when, self.loop.time() + at_least_s)
            self._flush_timer = self.loop.call_at(when, self._flush_late)

    def hang_up(self) -> None:
        """Close now, whatever the client has not read yet."""
        self.cycle.disconnected = True
        self.transport.abort()

    def _answered(self) -> bool:
        return not self.cycle or self.cycle.response_complete

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._head_late)

    def _head_late(self) -> None:
        self._head_timer = None
        if self._answered():
            self.transport.abort()
        else:
            # A pipelined head: the answer before it must not suffer.
            self._await_head()

    def _flush_late(self) -> None:
        self._flush_timer = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _hang_up_late(self) -> None:
        self._stall_timer = None
        self.transport.abort()

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_flush_timer(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
