"""Wait for a rollout, and report why it failed: the pod, its events, its last log lines."""

import time
from dataclasses import dataclass, field

from pydantic import BaseModel

from seawall.common.errors import ClusterError
from seawall.common.wait import TimedOutError, wait_until
from seawall.kube.kubectl import Kubectl
from seawall.ops.verify.checks import Expected, broken_containers, problems, restarts
from seawall.ops.verify.objects import KINDS, ContainerStatus, Objects, Pod

__all__ = ["verify_rollout", "what_is_wrong"]

_DEADLINE_S = 150.0
"""Including the update before it, a broken release is reported within three minutes."""
_HOPE_S = 40.0
"""A container that cannot start for this long will not start: images are pulled by then."""
_LOG_LINES = 4
_EVENTS = 3
_SHOWN = 3
_FELT_FIRST = "gateway"
"""The container that serves clients is reported first; one image may break several containers."""


class _Event(BaseModel):
    type: str = ""
    reason: str = ""
    message: str = ""


class _Events(BaseModel):
    items: list[_Event]


def verify_rollout(
    kubectl: Kubectl,
    *,
    namespace: str,
    expected: Expected | None = None,
    deadline_s: float = _DEADLINE_S,
) -> None:
    """Wait until everything that was deployed serves.

    The conditions: every object exists, rollouts are complete, every pod has the deployed image,
    every autoscaler has its minReplicas, and every Service has endpoints.

    Args:
        kubectl: kubectl for the cluster.
        namespace: the namespace to check.
        expected: what was deployed; default: everything in the namespace.
        deadline_s: seconds to wait.

    Raises:
        ClusterError: the rollout is not complete in time, or waiting cannot complete it; says what
            fails and why, with the events and the last log lines of a failing pod.
    """
    watch = _Watch(kubectl, namespace, expected or Expected())
    try:
        wait_until(
            watch.is_over,
            deadline_s=deadline_s,
            what=f"namespace {namespace} to roll out",
            interval_s=0.5,
        )
    except TimedOutError:
        watch.gave_up = True
    if watch.gave_up:
        waited = time.monotonic() - watch.begun
        raise ClusterError(
            f"namespace {namespace} does not serve after {waited:.0f} s: {watch.reason()}"
        )


def what_is_wrong(kubectl: Kubectl, namespace: str) -> str:
    """Why the namespace does not serve now, in the form of `verify_rollout`; empty if it serves.

    Raises:
        ClusterError: the API server does not answer.
    """
    # One look has nothing to compare with, so all restarts of a container count.
    watch = _Watch(kubectl, namespace, Expected(), _first={})
    return "" if watch.is_over() else watch.reason()


@dataclass
class _Watch:
    kubectl: Kubectl
    namespace: str
    expected: Expected
    begun: float = field(default_factory=time.monotonic)
    problems: list[str] = field(default_factory=list[str])
    gave_up: bool = False
    _first: dict[tuple[str, str], int] | None = None
    _broken_since: float | None = None
    _broken: list[tuple[Pod, ContainerStatus]] = field(
        default_factory=list[tuple[Pod, ContainerStatus]]
    )

    def is_over(self) -> bool:
        """Whether the rollout is complete, or cannot become complete."""
        objects = Objects.model_validate(self.kubectl.get("-n", self.namespace, KINDS))
        if self._first is None:
            self._first = restarts(objects)
        self.problems = list(problems(objects, self.expected))
        self._broken = list(broken_containers(objects, self.expected, self._first))
        now = time.monotonic()
        self._broken_since = (self._broken_since or now) if self._broken else None
        self.gave_up = self._broken_since is not None and now - self._broken_since > _HOPE_S
        return self.gave_up or not self.problems

    def reason(self) -> str:
        """What is wrong: first the pod that is the cause, then the consequences."""
        more = len(self.problems) - _SHOWN
        parts = [self._evidence(), *self.problems[:_SHOWN], f"and {more} more" if more > 0 else ""]
        return "; ".join(line for line in parts if line) or "it became ready just now"

    def _evidence(self) -> str:
        """Why a container does not run, the events of its pod, and its last log lines."""
        objects = Objects.model_validate(self.kubectl.get("-n", self.namespace, KINDS))
        bad = self._broken or [
            (pod, container)
            for pod in objects.pods()
            for container in pod.status.containers
            if not container.ready
        ]
        if bad:
            pod, container = min(bad, key=lambda one: one[1].name != _FELT_FIRST)
            name = pod.metadata.name
            state = container.state.waiting or container.state.terminated
            reason = f"{state.reason} {state.message}".strip() if state else "not ready"
            what = f"pod {name}, container {container.name}: {reason}"
            return f"{what}; events: {self._events(name)}; log: {self._log(name, container.name)}"
        waiting = [pod for pod in objects.pods() if pod.status.phase == "Pending"]
        if waiting:
            name = waiting[0].metadata.name
            return f"pod {name} is Pending; events: {self._events(name)}"
        return ""

    def _events(self, pod: str) -> str:
        try:
            found = self.kubectl.get(
                *("-n", self.namespace, "events", "--field-selector"),
                f"involvedObject.kind=Pod,involvedObject.name={pod}",
            )
        except ClusterError:
            return "none could be read"
        warnings = [
            event for event in _Events.model_validate(found).items if event.type != "Normal"
        ]
        lines = [" ".join(f"{event.reason}: {event.message}".split()) for event in warnings]
        return " | ".join(lines[-_EVENTS:]) or "none"

    def _log(self, pod: str, container: str) -> str:
        where = ("-n", self.namespace, "logs", pod, "-c", container, f"--tail={_LOG_LINES}")
        for which in ((), ("--previous",)):
            try:
                text = self.kubectl(*where, *which).strip()
            except ClusterError:
                continue
            if text:
                return " | ".join(line.strip() for line in text.splitlines())
        return "none"
