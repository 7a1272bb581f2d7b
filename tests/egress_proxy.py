"""An egress proxy that accepts CONNECT, with a single web server behind it."""

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

__all__ = ["WayOut", "way_out"]


class WayOut(ThreadingHTTPServer):
    """The proxy. The server behind it plays every host that clients request.

    Attributes:
        asked: the `host:port` pairs of CONNECT requests.
        told: the paths of POST requests over https.
    """

    def __init__(self, certificate: Path, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        self.answer = answer
        self.asked: set[str] = set()
        self.told: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def way_out(certificate: Path, answer: bytes = b"") -> Generator[WayOut]:
    """Run the proxy with the certificate in that folder; every POST is answered with `answer`."""
    with WayOut(certificate, answer) as way:
        threading.Thread(target=way.serve_forever, daemon=True).start()
        try:
            yield way
        finally:
            way.shutdown()


class _Tunnel(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def way(self) -> WayOut:
        return cast("WayOut", self.server)

    def do_CONNECT(self) -> None:
        self.way.asked.add(self.path)
        self.send_response(200)
        self.end_headers()
        self.connection = self.way.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        # The tunnelled connection continues: CONNECT does not end it.
        self.close_connection = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if isinstance(self.connection, ssl.SSLSocket):
            self.way.told.add(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.way.answer)))
        self.end_headers()
        self.wfile.write(self.way.answer)

    def finish(self) -> None:
        super().finish()
        self.connection.close()
