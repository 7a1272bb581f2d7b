"""A cluster's API server over HTTP, for requests that it proxies to another server.

The answer contains status and body of that server. `kubectl get --raw` hides the text of an error
that comes from a server behind the API server.
"""

import http.client
import socket
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seawall.common.errors import ClusterError
from seawall.kube.kubectl import Kubectl

__all__ = ["Answer", "Ask", "api_server"]

_SERVING = "Starting to serve on"
_ANSWERS_S = 20.0
_ENDS_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body, from the API server or from a server behind it."""

    status: int
    body: str


Ask = Callable[[str], Answer]
"""GET of a path with its query; raises ClusterError when there is no answer within 20 s."""


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, file: Path) -> None:
        # `kubectl proxy` accepts requests for the host `localhost`.
        super().__init__("localhost", timeout=_ANSWERS_S)
        self._file = file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._file))


@contextmanager
def api_server(kubectl: Kubectl) -> Generator[Ask]:
    """Context manager that yields a function for GET requests, with kubectl's credentials.

    `kubectl proxy` forwards the requests from a Unix socket in a folder that only this user can
    enter.

    Raises:
        ClusterError: `kubectl proxy` could not start; says why.
    """
    with tempfile.TemporaryDirectory(prefix="seawall-") as folder:
        file = Path(folder) / "api"
        with subprocess.Popen(
            kubectl.arguments(["proxy", f"--unix-socket={file}"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                _wait_for_it(process)
                yield lambda path: _get(file, path)
            finally:
                process.terminate()
                try:
                    process.wait(_ENDS_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def _wait_for_it(process: "subprocess.Popen[str]") -> None:
    line = ""
    # Before it serves, it may print messages of its login plugin.
    for line in process.stdout or ():
        if line.startswith(_SERVING):
            return
    raise ClusterError(f"kubectl proxy: {line.strip() or 'ended at once'}")


def _get(file: Path, path: str) -> Answer:
    connection = _OverSocket(file)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(errors="replace"))
    except TimeoutError as late:
        raise ClusterError(f"no answer within {_ANSWERS_S:.0f} s") from late
    except (OSError, http.client.HTTPException) as failed:
        raise ClusterError(f"kubectl proxy gave no answer: {failed!r}") from failed
    finally:
        connection.close()
