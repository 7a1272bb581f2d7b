"""A real Prometheus behind a stub of an API server."""

import json
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3

from seawall.common.wait import wait_until
from tests.support.ports import free_port

__all__ = ["ApiServer", "running", "serving"]

PROXY = "/api/v1/namespaces/night/services/prometheus:http/proxy"


class ApiServer(ThreadingHTTPServer):
    """Forwards requests below PROXY, and refuses other requests as an API server does."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, ApiServer)
        if self.path.startswith(PROXY):
            answer = urllib3.request(
                "GET", self.server.behind + self.path.removeprefix(PROXY), retries=False
            )
            self.answer(answer.status, answer.data)
        else:
            said = {"kind": "Status", "message": 'services "prometheus" not found', "code": 404}
            self.answer(404, json.dumps(said).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Nothing."""


@contextmanager
def serving(behind: str) -> Generator[ApiServer]:
    with ApiServer(behind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def running(folder: Path, rules: object) -> Generator[str]:
    """The URL of a Prometheus without scrape targets that evaluates `rules` every second."""
    folder.mkdir(exist_ok=True)
    (folder / "rules.json").write_text(json.dumps(rules))
    every = {"evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["rules.json"]}
    (folder / "prometheus.json").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    words = [
        *("prometheus", f"--config.file={folder / 'prometheus.json'}"),
        *(f"--web.listen-address={address}", f"--storage.tsdb.path={folder / 'data'}"),
    ]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _is_ready(address, process), deadline_s=60, what="Prometheus")
            yield f"http://{address}"
        finally:
            process.terminate()


def _is_ready(address: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "Prometheus refuses its rules"
    try:
        return urllib3.request("GET", f"http://{address}/-/ready", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
