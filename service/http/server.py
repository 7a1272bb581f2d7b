"""The server process: sockets, signals, and a shutdown that loses no request.

After SIGTERM the readiness probe gets 503. The process keeps serving for `shutdown.serve`, and
asks every client to close its connection. Then it closes its port, finishes the requests in flight,
and exits 0. Five seconds before the grace period ends, requests that are left get an error event.
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

from contract.gateway_config import CUT_BEFORE_GRACE
from service.app import Gateway
from service.errors import SettingsError
from service.http.connection import ClientConnection
from service.pipeline.exchange import Abort
from service.reload import SettingsFile
from service.settings import Settings
from service.telemetry.health import HealthServer
from service.telemetry.log import RequestLog, configure_logging

__all__ = ["EXIT_SETTINGS", "bind", "run", "run_or_explain"]

_log = logging.getLogger("seawall.server")

EXIT_SETTINGS = 2
KEEP_ALIVE_S = 75
"""Longer than any client or load balancer keeps an idle connection, so the client closes first."""
LAST_ARRIVALS_S = 0.5
"""The time for connections that were accepted just before the port closed to send their request."""
LAST_WORDS_S = 1.0
"""The time for clients to read the end of their answers when the grace period is over."""
BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """Open the port.

    Raises:
        SettingsError: the port is taken, or the address does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from error


class _Server(uvicorn.Server):
    """uvicorn with this module's shutdown instead of its own."""

    def __init__(self, app: Gateway, on_started: Callable[[], None]) -> None:
        shutdown = app.settings.shutdown
        super().__init__(
            uvicorn.Config(
                app,
                http=ClientConnection,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                # The client's address is not used here: this saves a layer for each request.
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                # Until the end of the grace period; the error events are sent before that.
                timeout_graceful_shutdown=max(
                    1, int(shutdown.grace.seconds - shutdown.serve.seconds - LAST_ARRIVALS_S) - 1
                ),
            )
        )
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Install no signal handlers."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        self._on_started()


class _Process:
    """One gateway from start to exit."""

    def __init__(
        self, app: Gateway, listener: socket.socket, on_started: Callable[[], None]
    ) -> None:
        self._app = app
        self._listener = listener
        self._announce = on_started
        self._server = _Server(app, self._started)
        self._leaving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until a signal asks to stop."""
        loop = asyncio.get_running_loop()
        drain_s = self._app.settings.shutdown.serve.seconds
        loop.add_signal_handler(signal.SIGTERM, self._leave, drain_s)
        # Ctrl+C on a terminal: no load balancer uses the readiness, so there is no need to wait.
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
        grace_s = self._app.settings.shutdown.grace.seconds
        loop.call_later(grace_s - CUT_BEFORE_GRACE.seconds, self._cut)
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
    """Serve until a signal; `on_started` is called once requests are answered.

    With a `file`, the settings follow changes of that file.

    Raises:
        SettingsError: a port is taken, or something that the settings name is wrong.
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
    """Run with the settings file at `path`.

    Returns:
        The exit code: 0, or 2 after one line on stderr when the settings are wrong.
    """
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
