"""One environment as it is now: what runs, what it should be, and what stands between the two."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from seawall.errors import ClusterError
from seawall.targets import Target
from seawall.verify.judge import Expected, problems
from seawall.verify.objects import KINDS, Objects, Workload
from seawall.watched import Watched, watched_by_prometheus

__all__ = ["Row", "Status", "status_of"]


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
        place: its cluster and namespace in words.
        rows: its workloads.
        problems: what keeps it from being complete; empty when nothing does.
        outputs: the stack's plain outputs.
        watched: what the kit's Prometheus knows; None, with the reason in `unwatched`, without one.
        backup: when the last backup was done, in words.
    """

    env: str
    place: str
    rows: list[Row]
    problems: list[str]
    outputs: Mapping[str, JsonValue]
    watched: Watched | None
    unwatched: str
    backup: str

    def as_json(self) -> dict[str, object]:
        """For machines."""
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
            "watched": self.watched.as_json() if self.watched else None,
            "unwatched": self.unwatched,
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
        found.insert(0, f"{target.env} is not deployed; `seawall up {target.env}` deploys it")
    watched, unwatched = _watched(target) if outputs else (None, "nothing is deployed")
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
        watched=watched,
        unwatched=unwatched,
        backup=_backup(target) if outputs else "none",
    )


def _watched(target: Target) -> tuple[Watched | None, str]:
    if not target.kubectl.succeeds("-n", target.namespace, "get", "service", "prometheus"):
        return None, "there is no Prometheus of the kit's own here"
    try:
        return watched_by_prometheus(target.kubectl, target.namespace), ""
    except ClusterError as failed:
        return None, f"Prometheus does not answer: {failed}"


def _backup(target: Target) -> str:
    """When the backup's job last succeeded, as Kubernetes says."""
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
