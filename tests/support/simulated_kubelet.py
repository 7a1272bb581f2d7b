"""What a kubelet reports, without one: every pod of an API server is said to run and to be ready.

For tests without nodes, in which Pulumi's provider waits for rollouts. Nothing is started.
"""

import json
import subprocess
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

__all__ = ["simulated_kubelet"]

_CONDITIONS = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
_SINCE = "2026-01-01T00:00:00Z"
_ADDRESS = "10.244.0.1"
_ENDS_WITHIN_S = 10


@contextmanager
def simulated_kubelet(kubectl: Path, kubeconfig: Path) -> Generator[None]:
    """Report for the pods of all namespaces until the end of the block.

    Args:
        kubectl: the program, whose proxy has the credentials.
        kubeconfig: whose user may change pods.
    """
    words = [kubectl, f"--kubeconfig={kubeconfig}", "proxy", "--port=0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        address = proxy.stdout.readline().rsplit(maxsplit=1)[-1]
        reporter = threading.Thread(target=_report, args=(address,), name="simulated-kubelet")
        reporter.start()
        try:
            yield
        finally:
            proxy.terminate()  # and with it the watch
    reporter.join(_ENDS_WITHIN_S)


def _report(address: str) -> None:
    with suppress(OSError, HTTPException):  # the proxy has ended
        for pod in _pending(address):
            place = "/api/v1/namespaces/{namespace}/pods/{name}/status"
            api = HTTPConnection(address)
            api.request(
                "PATCH",
                place.format_map(pod["metadata"]),
                json.dumps({"status": _running(pod)}),
                {"Content-Type": "application/merge-patch+json"},
            )
            api.getresponse().read()  # one that is gone by now is an answer of 404
            api.close()


def _pending(address: str) -> Iterator[dict[str, Any]]:
    """The pods for which nobody has reported yet."""
    api = HTTPConnection(address)
    api.request("GET", "/api/v1/pods?watch=1")
    for line in api.getresponse():
        pod = json.loads(line)["object"]
        deleted = pod["metadata"].get("deletionTimestamp")
        if pod.get("status", {}).get("phase") == "Pending" and not deleted:
            yield pod


def _running(pod: dict[str, Any]) -> dict[str, Any]:
    """The status of a pod whose containers all run and are ready."""
    return {
        "phase": "Running",
        "startTime": _SINCE,
        "podIP": _ADDRESS,
        "podIPs": [{"ip": _ADDRESS}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": _SINCE} for kind in _CONDITIONS
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": container["image"],
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": _SINCE}},
            }
            for container in pod["spec"]["containers"]
        ],
    }
