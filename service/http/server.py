"""The process: sockets, signals, and leaving without losing a request.

SIGTERM: ready turns 503, the process serves on for `drain.serve_seconds` and asks every client to
leave its connection, then closes its port, finishes what is in flight, and exits 0. Five seconds
before the grace ends, what is left gets an error event.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

import uvicorn
import uvloop

from service.app import Gateway
from service.errors import SettingsError
from service.http.connection import ClientConnection
from service.pipeline.exchange import Abort
from service.reload import SettingsFile
from service.settings import CUT_BEFORE_GRACE_SECONDS, Settings
from service.telemetry.health import HealthServer
from service.telemetry.log import RequestLog, configure_logging

__all__ = ["EXIT_SETTINGS", "bind", "run", "run_or_explain"]

_log = logging.getLogger("seawall.server")

EXIT_SETTINGS = 2
KEEP_ALIVE_S = 75
"""More than any client or load balancer keeps an idle connection: the client closes first."""
LAST_ARRIVALS_S = 0.5
"""Connections that were accepted just before the port closed still send their request."""
LAST_WORDS_S = 1.0
"""What clients get to read the end of their answers when the grace is over."""
BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """Open the port.

    Raises:
        SettingsError: it is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from error


class _Server(uvicorn.Server):
    """uvicorn, with this module's way to leave instead of its own."""

    def __init__(self, app: Gateway, on_started: Callable[[], None]) -> None:
        drain = app.settings.drain
        super().__init__(
            uvicorn.Config(
                app,
                http=ClientConnection,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                # Nothing here asks for the client's address: one layer less for each request.
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                # Until the very end of the grace; the error events have gone out before.
                timeout_graceful_shutdown=max(
                    1, int(drain.grace_seconds - drain.serve_seconds - LAST_ARRIVALS_S) - 1
                ),
            )
        )
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._on_started()


class _Process:
    """One gateway from its first to its last moment."""

    def __init__(
        self, app: Gateway, listener: socket.socket, on_started: Callable[[], None]
    ) -> None:
        self._app = app
        self._listener = listener
        self._announce = on_started
        self._server = _Server(app, self._started)
        self._leaving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until told to leave."""
        loop = asyncio.get_running_loop()
        drain_s = self._app.settings.drain.serve_seconds
        loop.add_signal_handler(signal.SIGTERM, self._leave, drain_s)
        # Ctrl+C: nobody routes requests here by readiness, so there is nothing to wait for.
        loop.add_signal_handler(signal.SIGINT, self._leave, 0.0)
        await self._server.serve(sockets=[self._listener])

    def _started(self) -> None:
        self._app.health.started = True
        self._announce()

    def _leave(self, serve_s: float) -> None:
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._drain(serve_s))
        elif serve_s == 0:
            self._cut()
            self._server.should_exit = True

    async def _drain(self, serve_s: float) -> None:
        loop = asyncio.get_running_loop()
        grace_s = self._app.settings.drain.grace_seconds
        loop.call_later(grace_s - CUT_BEFORE_GRACE_SECONDS, self._cut)
        self._app.health.draining = True
        _log.info("draining")
        for exchange in self._app.in_flight:
            exchange.closing = True
        await asyncio.sleep(serve_s)
        for server in self._server.servers:
            server.close()
        await asyncio.sleep(min(LAST_ARRIVALS_S, serve_s))
        self._server.should_exit = True

    def _cut(self) -> None:
        for exchange in tuple(self._app.in_flight):
            exchange.abort(Abort.SHUTDOWN)
        soon = asyncio.get_running_loop().time() + LAST_WORDS_S
        for connection in tuple(cast("set[object]", self._server.server_state.connections)):
            if isinstance(connection, ClientConnection):
                connection.flush_by(soon)


def run(
    settings: Settings,
    *,
    log: RequestLog,
    on_started: Callable[[], None],
    file: SettingsFile | None = None,
) -> None:
    """Serve until a signal; `on_started` is called when requests are answered.

    The settings change with the `file` that they are from, when it is given.

    Raises:
        SettingsError: a port is taken, or what the settings name is wrong.
    """
    app = Gateway(settings, log, file)
    listener = bind(settings.listen.host, settings.listen.port)
    try:
        health = HealthServer(
            settings.health.host, settings.health.port, app.health, app.metrics.render, app.page
        )
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {settings.health.host}:{settings.health.port}: {error.strerror}"
        ) from error
    health.start()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Process(app, listener, on_started).run())
    finally:
        log.flush()
        health.stop()


def run_or_explain(path: Path) -> int:
    """Run with the settings file at `path`; the exit code: 0, or 2 and one line."""
    configure_logging()
    try:
        file = SettingsFile(path)
        run(
            file.settings,
            log=RequestLog(),
            on_started=lambda: _log.info("serving"),
            file=file,
        )
    except SettingsError as error:
        print(f"seawall gateway: {error}", file=sys.stderr)  # noqa: T201 - for the person who wrote the file
        return EXIT_SETTINGS
    return 0
