"""Connect to a pod or a Service through the API server when its address is not reachable."""

import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager

from seawall.common.errors import ClusterError
from seawall.kube.kubectl import Kubectl

__all__ = ["forwarded"]

_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
_ENDS_S = 5.0


@contextmanager
def forwarded(kubectl: Kubectl, namespace: str, what: str, *, port: int) -> Generator[str]:
    """Context manager that yields a URL for a port of `what` (kind/name).

    Raises:
        ClusterError: kubectl could not forward the port; says why.
    """
    words = ["-n", namespace, "port-forward", "--address=127.0.0.1", what]
    with subprocess.Popen(
        kubectl.arguments([*words, f":{port}"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            # kubectl prints one line when it listens; or it prints the reason and ends.
            line = process.stdout.readline() if process.stdout else ""
            match = _FORWARDING.search(line)
            if match is None:
                raise ClusterError(f"{what} cannot be reached: {line.strip()}")
            yield f"http://127.0.0.1:{match[1]}"
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_S)
            except subprocess.TimeoutExpired:
                process.kill()
