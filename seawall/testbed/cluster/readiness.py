"""The waits of `up`, each with a deadline and an error with the last observed state."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from seawall.common.errors import ClusterError
from seawall.common.wait import TimedOutError, wait_until
from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster.interface import Part

__all__ = [
    "wait_for_addons",
    "wait_for_api_server",
    "wait_for_nodes",
    "wait_for_parts",
    "wait_for_registration",
    "wait_for_sign_of_life",
]

_ADDONS = (
    ("kube-system", "coredns"),
    ("local-path-storage", "local-path-provisioner"),
    ("kube-system", "metrics-server"),
    ("kube-system", "kube-state-metrics"),
)


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Condition(_Read):
    type: str
    status: str
    message: str = ""
    heard: datetime | None = Field(default=None, alias="lastHeartbeatTime")


class _NodeInfo(_Read):
    boot_id: str = Field(default="", alias="bootID")


class _NodeStatus(_Read):
    conditions: list[_Condition] = []
    node_info: _NodeInfo = Field(default_factory=_NodeInfo, alias="nodeInfo")


class _Named(_Read):
    name: str


class _Node(_Read):
    metadata: _Named
    status: _NodeStatus


class _Nodes(_Read):
    items: list[_Node]


def wait_for_api_server(kubectl: Kubectl, *, runs: Callable[[], bool], logs: str) -> None:
    """Wait until the API server reports that it is ready.

    Args:
        kubectl: kubectl for the cluster.
        runs: returns whether the machine of the API server runs.
        logs: the place of the API server's logs, for the message.

    Raises:
        ClusterError: the machine ended, or the wait took more than 90 seconds.
    """

    def ready() -> bool:
        if not runs():
            raise ClusterError(f"the control plane ended: see {logs}")
        return kubectl.succeeds("get", "--raw", "/readyz")

    _wait(ready, deadline_s=90, what=f"the API server (logs: {logs})")


def wait_for_registration(kubectl: Kubectl, node: str, boot_id: str) -> None:
    """Wait until a node has reported the boot id of its last boot to the API server.

    Raises:
        ClusterError: it took more than 90 seconds.
    """

    def registered() -> bool:
        return any(
            n.metadata.name == node and n.status.node_info.boot_id == boot_id
            for n in _nodes(kubectl)
        )

    _wait(registered, deadline_s=90, what=f"{node} to register")


def wait_for_sign_of_life(kubectl: Kubectl, node: str, since: datetime) -> None:
    """Wait until a node has reported Ready after `since`; an older report predates its outage.

    Raises:
        ClusterError: it took more than 90 seconds.
    """

    def heard() -> bool:
        return any(
            c.type == "Ready" and c.status == "True" and c.heard is not None and c.heard >= since
            for n in _nodes(kubectl)
            if n.metadata.name == node
            for c in n.status.conditions
        )

    _wait(heard, deadline_s=90, what=f"{node} to report that it is Ready")


def wait_for_nodes(kubectl: Kubectl, names: Sequence[str]) -> None:
    """Wait until every node is Ready.

    Raises:
        ClusterError: a node is not Ready after 90 seconds.
    """

    def unready() -> list[str]:
        ready = {
            n.metadata.name
            for n in _nodes(kubectl)
            for c in n.status.conditions
            if c.type == "Ready" and c.status == "True"
        }
        return [name for name in names if name not in ready]

    _wait(lambda: not unready(), deadline_s=90, what=f"nodes {', '.join(names)} to be Ready")


def wait_for_addons(kubectl: Kubectl) -> None:
    """Wait until all add-ons run and pods can be created in the default namespace.

    Raises:
        ClusterError: a rollout did not end within two minutes.
    """
    # It appears a few seconds after the nodes; without it every pod is refused.
    _wait(
        lambda: kubectl.succeeds("-n", "default", "get", "serviceaccount", "default"),
        deadline_s=60,
        what="the default service account",
    )
    for namespace, name in _ADDONS:
        kubectl(
            *("-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=120s"),
            timeout_s=130,
        )


def wait_for_parts(status: Callable[[], Sequence[Part]]) -> None:
    """Wait until every daemon runs: a node stays Ready for seconds after its kubelet was killed.

    Raises:
        ClusterError: a daemon does not run after 30 seconds.
    """
    _wait(
        lambda: all(part.ok for part in status()), deadline_s=30, what="every daemon to run again"
    )


def _nodes(kubectl: Kubectl) -> list[_Node]:
    return _Nodes.model_validate(kubectl.get("nodes")).items


def _wait(condition: Callable[[], bool], *, deadline_s: float, what: str) -> None:
    try:
        wait_until(condition, deadline_s=deadline_s, what=what, interval_s=0.2)
    except TimedOutError as late:
        raise ClusterError(f"{late}; `seawall cluster status` shows the parts") from late
