"""Probes and metrics, on a separate thread and port.

A busy event loop cannot fail a probe. No probe calls Redis or a provider, because an outage of a
dependency must not make every replica unready.
"""

import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from contract.paths import HEALTH_LIVE, HEALTH_READY, HEALTH_STARTUP, METRICS
from service.telemetry.page import Page

__all__ = ["Health", "HealthServer"]

HEARTBEAT_LIMIT_S = 30.0
"""Seconds. An event loop without a heartbeat for longer is assumed to hang for ever."""
_TEXT = "text/plain; charset=utf-8"


class Health:
    """The health of the process; the event loop writes it, and the probes' thread reads it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._beat_at = clock()
        self.started = False
        self.draining = False
        self.settings_refused = False

    @property
    def uptime_s(self) -> float:
        """Seconds since this object was made."""
        return self._clock() - self._began

    def beat(self) -> None:
        """Note that the event loop is alive; called once a second."""
        self._beat_at = self._clock()

    def live(self) -> tuple[bool, str]:
        """Whether the event loop's last heartbeat is younger than 30 s."""
        age = self._clock() - self._beat_at
        return age < HEARTBEAT_LIMIT_S, f"event loop heartbeat {age:.1f} s ago"

    def ready(self) -> tuple[bool, str]:
        """Whether the process should get new requests."""
        if self.draining:
            return False, "draining"
        return self.startup()

    def startup(self) -> tuple[bool, str]:
        """Whether the process has started."""
        return self.started, "started" if self.started else "starting"


class HealthServer:
    """Serves the probe paths, /metrics and the status page from a daemon thread."""

    def __init__(
        self, host: str, port: int, health: Health, metrics: Callable[[], bytes], page: Page
    ) -> None:
        """Bind the port.

        Raises:
            OSError: the port is taken.
        """
        probes = {
            HEALTH_LIVE: health.live,
            HEALTH_READY: health.ready,
            HEALTH_STARTUP: health.startup,
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == METRICS:
                    self._answer(200, metrics(), "text/plain; version=0.0.4; charset=utf-8")
                elif path in probes:
                    good, reason = probes[path]()
                    self._answer(200 if good else 503, reason.encode() + b"\n", _TEXT)
                else:
                    self._page(path)

            def _page(self, path: str) -> None:
                found = page.answer(path, self.headers.get("authorization", ""))
                if found is None:
                    self._answer(404, b"not found\n", _TEXT)
                else:
                    self._send(found.status, found.body, found.headers)

            def _answer(self, status: int, body: bytes, content_type: str) -> None:
                self._send(status, body, {"content-type": content_type})

            def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
                """Log nothing: probes arrive every few seconds."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="health"
        )
        self._thread.daemon = True

    @property
    def port(self) -> int:
        """The port that was bound."""
        return self._server.server_address[1]

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
