"""A client's connection: uvicorn's, with the time limits that it lacks.

A request's head has 10 s from its first byte, and so has the rest of a body that was answered
before it was read. What a client does not read is thrown away when its request's time is over.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.pipeline.exchange import CONNECTION

__all__ = ["HEAD_S", "ClientConnection"]

HEAD_S = 10.0


class ClientConnection(HttpToolsProtocol):
    """See `service.pipeline.exchange.Connection`."""

    _head_timer: asyncio.TimerHandle | None = None
    _flush_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; a client that opens a connection has something to ask."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_head_timer()
        self._stop_flush_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; between two requests they begin the next, and end the idle time."""
        if self._answered():
            self._await_head()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request, and let its stages find this connection."""
        super().on_message_begin()
        self._stop_flush_timer()
        self._await_head()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole; when its answer is already given, the connection is idle again."""
        super().on_message_complete()
        if self._answered():
            self._stop_head_timer()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    def flush_by(self, when: float) -> None:
        """Give the client until `when`, in loop time, to take what it was sent."""
        if self.transport.get_write_buffer_size():
            self._stop_flush_timer()
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

    def _stop_flush_timer(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
