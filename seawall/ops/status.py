"""The current state of one environment: what runs, what should run, and how the two differ."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from seawall.common.errors import SeawallError
from seawall.ops.deployment import Target
from seawall.ops.environment_metrics import Monitored, monitored_by_prometheus
from seawall.ops.prometheus import place_of
from seawall.ops.verify.checks import Expected, problems
from seawall.ops.verify.objects import KINDS, Objects, Workload

__all__ = ["Row", "Status", "monitored_of", "status_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One workload."""

    title: str
    ready: int
    wanted: int
    images: tuple[str, ...]
    restarts: int


@dataclass(frozen=True, slots=True)
class Status:
    """What `seawall status` shows.

    Attributes:
        env: the environment.
        place: its cluster and namespace, as text.
        rows: its workloads.
        problems: why the deployment is incomplete; empty when it is complete.
        outputs: the stack's plain outputs.
        monitored: what the bundled Prometheus knows; None when unknown.
        unmonitored: why `monitored` is None; otherwise empty.
        backup: the time of the last backup, or text.
        redis_pods: the desired number of Redis pods, each with a Sentinel; None when unknown.
    """

    env: str
    place: str
    rows: list[Row]
    problems: list[str]
    outputs: Mapping[str, JsonValue]
    monitored: Monitored | None
    unmonitored: str
    backup: str
    redis_pods: int | None = None

    def as_json(self) -> dict[str, object]:
        """The status as JSON."""
        monitored = self.monitored.as_json() if self.monitored else None
        return {
            "env": self.env,
            "place": self.place,
            "workloads": [
                {
                    "name": row.title,
                    "ready": row.ready,
                    "wanted": row.wanted,
                    "images": list(row.images),
                    "restarts": row.restarts,
                }
                for row in self.rows
            ],
            "problems": self.problems,
            "monitored": monitored,
            "unmonitored": self.unmonitored,
            # The earlier names, for one release.
            "watched": monitored,
            "unwatched": self.unmonitored,
            "redis_pods": self.redis_pods,
            "backup": self.backup,
            "outputs": dict(self.outputs),
        }


def status_of(target: Target) -> Status:
    """Look at an environment.

    Raises:
        SeawallError: its cluster does not answer, or its state cannot be read.
    """
    target.engine.prepare()
    target.check_cluster()
    snapshot = target.engine.snapshot()
    outputs = snapshot.outputs
    objects = Objects.model_validate(target.kubectl.get("-n", target.namespace, KINDS))
    images = outputs.get("images")
    asked = frozenset(map(str, images.values())) if isinstance(images, dict) else None
    expected = Expected(snapshot.objects, asked)
    found = list(problems(objects, expected))
    if not outputs:
        found.insert(0, target.not_deployed)
    monitored, unmonitored = monitored_of(target) if outputs else (None, "nothing is deployed")
    return Status(
        env=target.env,
        place=f"{target.place}, namespace {target.namespace}",
        rows=[
            _row(objects, workload)
            for workload in objects.workloads()
            if expected.has(workload.kind, workload.metadata.name)
        ],
        problems=found,
        outputs=outputs,
        monitored=monitored,
        unmonitored=unmonitored,
        backup=_backup(target) if outputs else "none",
        redis_pods=next(
            (item.spec.replicas for item in objects.workloads() if _is_redis(item)), None
        ),
    )


def _is_redis(workload: Workload) -> bool:
    return (workload.kind, workload.metadata.name) == ("StatefulSet", "redis")


def monitored_of(target: Target) -> tuple[Monitored | None, str]:
    """What the environment's Prometheus knows, or None and the reason."""
    try:
        place = place_of(target)
    except SeawallError as nowhere:
        return None, str(nowhere)
    words = ("-n", place.namespace, "get", "service", place.service, "--ignore-not-found")
    try:
        if not target.kubectl(*words, "--output=name").strip():
            return None, f"there is no Service {place.service} in the namespace {place.namespace}"
        return monitored_by_prometheus(target.kubectl, place), ""
    except SeawallError as failed:
        return None, f"Prometheus cannot be asked: {failed}"


def _backup(target: Target) -> str:
    """When the backup job last succeeded, as Kubernetes reports it."""
    words = ("-n", target.namespace, "get", "cronjob", "--ignore-not-found")
    path = "-o=jsonpath={range .items[*]}{.metadata.name} {.status.lastSuccessfulTime}{end}"
    found = target.kubectl(*words, path).split()
    if not found:
        return "none is configured"
    return found[1] if len(found) > 1 else "never yet"


def _row(objects: Objects, workload: Workload) -> Row:
    asked = workload.spec.template.spec.containers
    own = [pod for pod in objects.pods() if workload.owns(pod)]
    return Row(
        title=workload.title,
        ready=workload.status.ready,
        wanted=workload.spec.replicas,
        images=tuple(dict.fromkeys(container.image for container in asked)),
        restarts=sum(item.restarts for pod in own for item in pod.status.containers),
    )
