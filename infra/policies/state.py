"""Rules against data loss: resources with state are protected, and Redis has a backup."""

from collections.abc import Iterator, Sequence

from contract import labels
from infra.policies.inputs import at, text
from infra.policies.pods import is_kubernetes, labels_of, namespace_of
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["BACKUP_COMPONENT", "RULES"]

BACKUP_COMPONENT = "backup"
"""The component label of the CronJob that backs up Redis."""
_REDIS = "redis"
_KUBERNETES_STATE = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
_AWS_STATE = (
    "aws:ecr/repository:Repository",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "aws:secretsmanager/secret:Secret",
)


def stateful_resources_are_protected(resource: Resource) -> Iterator[str]:
    """The engine refuses to delete what cannot be recreated with its data."""
    stateful = is_kubernetes(resource, *_KUBERNETES_STATE) or resource.type in _AWS_STATE
    if stateful and not resource.protect:
        yield "holds state and can be deleted by an update; set protect=True"


def redis_is_backed_up(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """Every StatefulSet of Redis has a CronJob of the backup component in its namespace."""
    if not is_kubernetes(resource, "StatefulSet") or not _is_redis(resource):
        return
    jobs = [
        item
        for item in stack
        if is_kubernetes(item, "CronJob")
        and text(labels_of(item), labels.COMPONENT) == BACKUP_COMPONENT
        and namespace_of(item) == namespace_of(resource)
    ]
    if not jobs:
        yield (
            "has no backup job; add a CronJob with label"
            f" {labels.COMPONENT}: {BACKUP_COMPONENT} to namespace {namespace_of(resource)}"
        )
    elif all(at(job.inputs, "spec", "suspend") for job in jobs):
        yield f"its backup job {jobs[0].title} is suspended; resume it"


def _is_redis(resource: Resource) -> bool:
    own = labels_of(resource)
    return _REDIS in (text(own, labels.NAME), text(own, labels.COMPONENT))


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "stateful-resources-are-protected",
        "Resources that hold state are protected from deletion.",
        stateful_resources_are_protected,
        wanted=lambda policies: policies.protect,
    ),
    StackRule(
        "redis-is-backed-up",
        "Every Redis has a backup job.",
        redis_is_backed_up,
        wanted=lambda policies: policies.backup,
    ),
)
