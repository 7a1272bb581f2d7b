"""A simulated kubelet: it reports every pod of an API server as running and ready.

For tests without nodes, in which Pulumi's provider waits for rollouts. Nothing is started.
"""

import json
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
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
    """Report the status of the pods of all namespaces until the end of the block.

    Args:
        kubectl: the kubectl program; its proxy has the credentials.
        kubeconfig: the kubeconfig of a user who may change pods.
    """
    proxy_of = [kubectl, f"--kubeconfig={kubeconfig}", "proxy", "--port=0"]
    words = ["setpriv", "--pdeathsig=KILL", *proxy_of]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        address = proxy.stdout.readline().rsplit(maxsplit=1)[-1]
        ended = threading.Event()
        reporter = threading.Thread(target=_report, args=(address, ended), name="simulated-kubelet")
        reporter.start()
        try:
            yield
        finally:
            ended.set()
            proxy.terminate()  # this also ends the watch
    reporter.join(_ENDS_WITHIN_S)


def _report(address: str, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(OSError, HTTPException), closing(_pending(address)) as pods:
            for pod in pods:
                _report_status(address, pod)


def _report_status(address: str, pod: Mapping[str, Any]) -> None:
    place = "/api/v1/namespaces/{namespace}/pods/{name}/status".format_map(pod["metadata"])
    body = json.dumps({"status": _status_of(pod)})
    with closing(HTTPConnection(address)) as api:
        api.request("PATCH", place, body, {"Content-Type": "application/merge-patch+json"})
        api.getresponse().read()  # the answer is 404 for a pod that is gone by now


def _pending(address: str) -> Generator[Mapping[str, Any]]:
    """Yield pods without a reported status, until the API server ends the watch."""
    with closing(HTTPConnection(address)) as api:
        api.request("GET", "/api/v1/pods?watch=1")
        with api.getresponse() as events:
            for line in events:
                event = json.loads(line)
                if event["type"] == "ERROR":  # a server that has just started sends one at once
                    return
                pod = event["object"]
                deleted = pod["metadata"].get("deletionTimestamp")
                if pod["status"]["phase"] == "Pending" and not deleted:
                    yield pod


def _status_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The status of a pod with all containers running and ready."""
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
