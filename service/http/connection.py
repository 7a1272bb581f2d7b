"""A client's connection: uvicorn's protocol with the timeouts that it lacks.

A request's headers must arrive within 10 s of their first byte. The rest of a body has the same
time when the request was answered before its body was read. The connection is closed, and unread
data discarded, when the request's deadline passes, or when the client reads nothing for a minute.
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
"""The same as nginx's send_timeout; a request's deadline may end the connection sooner."""
MAX_PIPELINED = 64
"""Pipelined requests that wait for an earlier answer; each takes some KB before any limit applies.
"""
JOINED_BYTES = 64 << 10
"""Above this size, copying the body costs more than a second write."""


class ClientConnection(HttpToolsProtocol):
    """A client's connection: the `Connection` of the stages, and its time limits."""

    _head_open = False
    """Whether the headers of a request have begun and are incomplete."""
    _head_timer: asyncio.TimerHandle | None = None
    _flush_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and expect the headers of a request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers, and call the callback of `when_lost`."""
        self._stop_head_timer()
        self._stop_flush_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)
        if self._on_lost is not None:
            self._on_lost()
            self._on_lost = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; between two requests they begin the next one, and end the idle time."""
        super().data_received(data)
        # Most headers arrive complete in one read, and need no timer.
        if self._head_open or (self._answered() and self.timeout_keep_alive_task is None):
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin a request, and put this connection into its scope for the stages."""
        super().on_message_begin()
        if not self.flow.write_paused:  # else the client has not read the answer before this one
            self._stop_flush_timer()
        self._head_open = True
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        """Stop the timer of the headers, which are complete."""
        self._head_open = False
        self._stop_head_timer()
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Give a client that does not read a minute to begin."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALLED_S, self._hang_up_late)

    def resume_writing(self) -> None:
        """Stop that timer, since the client reads."""
        self._stop_stall_timer()
        super().resume_writing()

    def on_message_complete(self) -> None:
        """Note that the body is complete; if it is already answered, the connection is idle."""
        super().on_message_complete()
        if self._answered():
            self._stop_head_timer()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    @property
    def body_arrived(self) -> bool:
        """Whether the last request has arrived completely; earlier ones then have, too."""
        return not self.cycle.more_body

    def when_lost(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the client closes the connection; at once when it is closed."""
        self._on_lost = callback
        # receive() would resume reading after a large body, but it is not called any more.
        self.flow.resume_reading()
        if self.transport.is_closing():
            self.loop.call_soon(callback)

    def forget(self, callback: Callable[[], None]) -> None:
        """Cancel this callback; a callback of a later request on this connection stays."""
        if self._on_lost is callback:
            self._on_lost = None

    async def answer(
        self, send: Send, status: int, headers: Headers, body: bytes, *, close: bool
    ) -> bool:
        """Send a whole answer in one write.

        It sends the same bytes as uvicorn for two ASGI messages, but does not search the headers
        for the length of the body.

        Returns:
            False when `send` is wrapped and not uvicorn's own; then nothing was sent.

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
        """Give the client until `when`, in loop time, to read what it was sent."""
        if self.transport.get_write_buffer_size():
            self._stop_flush_timer()
            when = max(when, self.loop.time() + at_least_s)
            self._flush_timer = self.loop.call_at(when, self._flush_late)

    def hang_up(self) -> None:
        """Close now, and discard what the client has not read yet."""
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
            # The headers are pipelined: they must not end the answer before them.
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
