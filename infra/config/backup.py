"""Copies of Redis' data outside the cluster."""

from typing import Annotated, Literal

from contract.values.strict import Strict
from infra.config.compute import Amount, Resources
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
_RESOURCES = Resources(
    requests=Amount(cpu="100m", memory="128Mi"), limits=Amount(cpu="1", memory="256Mi")
)


class Backup(Strict):
    """Copies of Redis' data in an S3-compatible bucket."""

    schedule: Cron
    """Times at which the backup job runs, as a cron schedule in UTC."""
    keep: Annotated[Duration, Between("1d", "3650d")]
    """How long the backup job keeps a copy, with `removal: job`. The newest copy is kept even
    longer, until there is a newer one."""
    removal: Literal["job", "bucket"] = "job"
    """What removes copies that are older than `keep`: `job` is the backup job, `bucket` is a
    lifecycle rule of the bucket. The bucket that seawall:aws.backup_bucket creates needs `bucket`:
    it has such a rule, and its role may not delete."""
    bucket: Bucket
    """Name of the S3-compatible bucket that holds the copies."""
    prefix: KeyPath
    """Beginning of the object names. A slash and the copy's own name follow."""
    endpoint: Url | None = None
    """URL of the object storage. AWS S3 when not given."""
    block: Cidr | None = None
    """IPv4 block of the object storage, for the network policy. Required for storage inside the
    private network. When not given, the job may reach the egress proxy, or public addresses if
    there is no egress proxy."""
    region: Region | None = None
    """Region of the bucket. When not given, the backup job takes it from its pod's environment."""
    credentials: Literal["role", "secret"] = "role"
    """Source of the job's credentials: `role` is the role of the service account seawall-backup,
    `secret` is the pair of secrets backup-access-key and backup-secret-key."""
    role_arn: RoleArn | None = None
    """ARN of the AWS role that the service account seawall-backup assumes. When not given, the role
    that seawall:aws creates."""
    image: Image
    """Image that runs the backup job, built from the Dockerfile's target `ops`."""
    scratch: Memory
    """Size of the volume on the node's disk that holds one dump. A dump is at most as large as
    Redis' memory."""
    resources: Resources = _RESOURCES
    """CPU and memory of the backup job's container."""
    deadline: Annotated[Duration, Between("1m", "1d", whole=True)] = _DEADLINE
    """Maximum duration of one run, including its retries. A run that takes longer is stopped."""
