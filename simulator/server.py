"""Runs a simulator on two ports and one event loop, until it is stopped."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from simulator.admin import AdminApi
from simulator.answers import OpenAIAnswers
from simulator.api import SimulatorApi
from simulator.asgi import ResettableProtocol
from simulator.faults import Faults
from simulator.messages import MessagesAnswers

__all__ = ["ProviderSimulator", "SimulatorOptions", "bare_server"]

GRACE_S = 2
"""Seconds for requests in flight at the shutdown; then they are cut off."""


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How a simulator answers without a fault."""

    name: str
    models: tuple[str, ...] = ("sim-small", "sim-large")
    tokens: int = 12
    token_delay_s: float = 0.0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Install no signal handlers, since the caller handles signals for both servers."""
        yield


def bare_server(app: ASGIApp, *, host: str = "", port: int = 0) -> uvicorn.Server:
    """Make a server without signal handlers and logs; it needs no address to serve sockets."""
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=ResettableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


class ProviderSimulator:
    """One simulated provider on two sockets that are already bound."""

    def __init__(
        self, options: SimulatorOptions, *, http: socket.socket, admin: socket.socket
    ) -> None:
        self.faults = Faults()
        openai = OpenAIAnswers(options.name, options.models, options.tokens)
        messages = MessagesAnswers(options.name, options.tokens)
        api = SimulatorApi(openai, messages, self.faults, options.token_delay_s)
        self._http = bare_server(api)
        self._admin = bare_server(AdminApi(options.name, self.faults))
        self._sockets = (http, admin)

    @property
    def started(self) -> bool:
        """Whether both ports answer."""
        return self._http.started and self._admin.started

    def stop(self) -> None:
        """Ask both servers to stop; any thread may call it."""
        self._http.should_exit = True
        self._admin.should_exit = True

    async def run(self) -> None:
        """Serve until `stop`."""
        http, admin = self._sockets
        await asyncio.gather(self._http.serve(sockets=[http]), self._admin.serve(sockets=[admin]))
