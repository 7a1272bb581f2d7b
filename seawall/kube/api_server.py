"""A cluster's API server over HTTP, where what another server behind it answers must be seen whole.

`kubectl get --raw` hides the words of whom it is not the API server that refuses.
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

_TOLD = "Starting to serve on"
_ANSWERS_S = 20.0
_ENDS_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body, whoever gave them."""

    status: int
    body: str


Ask = Callable[[str], Answer]
"""GET of a path with its query; raises ClusterError when there is no answer within 20 s."""


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, file: Path) -> None:
        # kubectl lets in who asks for localhost.
        super().__init__("localhost", timeout=_ANSWERS_S)
        self._file = file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._file))


@contextmanager
def api_server(kubectl: Kubectl) -> Generator[Ask]:
    """While inside, paths of the API server can be asked for, with kubectl's own credentials.

    kubectl passes them on at a socket in a folder that only this user can enter.

    Raises:
        ClusterError: kubectl could not begin; says why.
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
    # Before it serves it may tell what its login has to say.
    for line in process.stdout or ():
        if line.startswith(_TOLD):
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
