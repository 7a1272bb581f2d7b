"""Copies of Redis' data outside the cluster."""

from typing import Annotated, Literal

from infra.config.base import Strict
from infra.config.compute import Resources
from infra.config.scalars import (
    Between,
    Bucket,
    Cidr,
    Cron,
    Duration,
    Image,
    KeyPath,
    Memory,
    Region,
    RoleArn,
    Url,
)

__all__ = ["Backup"]

_DEADLINE = Duration.parse("30m")


class Backup(Strict):
    """Copies of Redis' data in an S3-compatible bucket."""

    schedule: Cron
    """When a copy is made, in UTC."""
    keep: Annotated[Duration, Between("1d", "3650d")]
    """How long a copy is kept. The newest one is kept longer, until there is another."""
    removal: Literal["job", "bucket"] = "job"
    """Who removes older copies: the job, or a lifecycle rule of the bucket. The role that
    seawall:aws.backup_bucket makes may not delete, and its bucket has such a rule."""
    bucket: Bucket
    """The bucket."""
    prefix: KeyPath
    """What the objects' names begin with; a slash and the copy's own name follow."""
    endpoint: Url | None = None
    """The address of the object storage; AWS when not given."""
    block: Cidr | None = None
    """Where the object storage is, as the network sees it, for one inside the private network; the
    egress proxy, or the public addresses without one, when not given."""
    region: Region | None = None
    """The bucket's region; what the pod's surroundings say when not given."""
    credentials: Literal["role", "secret"] = "role"
    """Where the job's credentials come from: the role of the service account seawall-backup, or
    the secrets backup-access-key and backup-secret-key."""
    role_arn: RoleArn | None = None
    """The role of AWS that the service account takes; the one that seawall:aws makes when not
    given."""
    image: Image
    """What runs the job: an image of the Dockerfile's target ops."""
    scratch: Memory
    """Room for one dump on the node's disk; a dump is at most as large as Redis' memory."""
    resources: Resources
    """Of the job's container."""
    deadline: Annotated[Duration, Between("1m", "1d", whole=True)] = _DEADLINE
    """After so long a run is ended, its repetitions included."""
