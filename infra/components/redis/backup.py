"""The backup job of Redis: a CronJob that uploads a verified dump to a bucket."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.batch.v1 import (
    CronJob,
    CronJobSpecArgs,
    JobSpecArgs,
    JobTemplateSpecArgs,
)
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    EnvVarArgs,
    HostAliasArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ServiceAccount,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from contract import paths
from infra.components.base.pods import (
    env,
    requirements,
    restricted,
    scratch_volume,
    secret_volume,
)
from infra.components.secrets.secret_source import SecretSource
from infra.config import Backup
from infra.labels import labels_of
from infra.secret_names import backup_secrets
from infra.workloads.workload import SecretFiles

__all__ = ["SERVICE_ACCOUNT", "RedisBackup", "RedisBackupArgs"]

SERVICE_ACCOUNT = "seawall-backup"
"""The job's service account, which an AWS role trusts."""

_COMPONENT = "backup"
_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_SCRATCH = "/scratch"
_LATE_S = 600
"""A run that could not start for ten minutes, for example without a controller, is skipped."""
_RETRIES = 2
_KEPT_JOBS = 3
"""Number of successful and of failed jobs that are kept, so that their pods' logs can be read."""
_GRACE_S = 30
"""Kubernetes' own default. The job stops at once; the time is for its last log line."""
_USERS = (
    paths.REDIS_EXPORTER_PASSWORD_FILE,
    paths.REDIS_REPLICA_PASSWORD_FILE,
    paths.SENTINEL_PASSWORD_FILE,
)
"""The job's users in Redis: to look, to take the dump, and to query the Sentinels."""


@dataclass(frozen=True, slots=True)
class RedisBackupArgs:
    """What RedisBackup needs."""

    namespace: pulumi.Input[str]
    image: str
    """An image with the agents, redis-cli and boto3."""
    settings: Backup
    redis_hosts: pulumi.Input[list[str]]
    """The names under which Redis' Sentinels answer."""
    redis_master: str
    redis_aliases: pulumi.Output[list[HostAliasArgs]]
    """The addresses of the hosts."""
    secrets: SecretSource
    """Fills the Secret that the pod mounts."""
    role_arn: pulumi.Input[str] | None = None
    """The AWS role that the service account assumes."""


class RedisBackup(pulumi.ComponentResource):
    """A CronJob, its service account, and the Secret with the few passwords that it needs."""

    def __init__(
        self, name: str, args: RedisBackupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:redis:RedisBackup", name, None, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        secret = args.secrets.fill(
            f"{name}-credentials",
            self._metadata(f"{name}-credentials"),
            SecretFiles((*_USERS, *backup_secrets(args.settings))),
            child,
        )
        role = args.role_arn
        account = ServiceAccount(
            SERVICE_ACCOUNT,
            metadata=self._metadata(
                SERVICE_ACCOUNT, None if role is None else {_ROLE_ANNOTATION: role}
            ),
            # The job does not use the API server; a webhook mounts the token for a role.
            automount_service_account_token=False,
            opts=child,
        )
        CronJob(
            name,
            metadata=self._metadata(name),
            spec=self._schedule(secret, account.metadata.apply(lambda made: made.name or "")),
            opts=child,
        )
        self.register_outputs({})

    def _schedule(self, secret: pulumi.Input[str], account: pulumi.Input[str]) -> CronJobSpecArgs:
        settings = self._args.settings
        pod = PodTemplateSpecArgs(
            metadata=ObjectMetaArgs(labels=labels_of(_COMPONENT)), spec=self._pod(secret, account)
        )
        return CronJobSpecArgs(
            concurrency_policy="Forbid",
            failed_jobs_history_limit=_KEPT_JOBS,
            job_template=JobTemplateSpecArgs(
                metadata=ObjectMetaArgs(labels=labels_of(_COMPONENT)),
                spec=JobSpecArgs(
                    active_deadline_seconds=settings.deadline.whole_seconds,
                    backoff_limit=_RETRIES,
                    template=pod,
                ),
            ),
            schedule=settings.schedule,
            starting_deadline_seconds=_LATE_S,
            successful_jobs_history_limit=_KEPT_JOBS,
            time_zone="Etc/UTC",
        )

    def _pod(self, secret: pulumi.Input[str], account: pulumi.Input[str]) -> PodSpecArgs:
        settings = self._args.settings
        container = ContainerArgs(
            name=_COMPONENT,
            image=self._args.image,
            command=["python3", "-m", "agents", "backup"],
            env=self._environment(),
            resources=requirements(settings.resources),
            volume_mounts=[
                VolumeMountArgs(name="secrets", mount_path=paths.SECRETS_DIR, read_only=True),
                VolumeMountArgs(name="scratch", mount_path=_SCRATCH),
            ],
        )
        return restricted(
            PodSpecArgs(
                containers=[container],
                host_aliases=self._args.redis_aliases,
                restart_policy="Never",
                service_account_name=account,
                termination_grace_period_seconds=_GRACE_S,
                volumes=[
                    secret_volume("secrets", secret),
                    scratch_volume("scratch", settings.scratch, memory=False),
                ],
            )
        )

    def _environment(self) -> list[EnvVarArgs]:
        settings = self._args.settings
        values: dict[str, pulumi.Input[str]] = {
            "SEAWALL_REDIS_HOSTS": pulumi.Output.from_input(self._args.redis_hosts).apply(",".join),
            "SEAWALL_MASTER_NAME": self._args.redis_master,
            "SEAWALL_BACKUP_BUCKET": settings.bucket,
            "SEAWALL_BACKUP_PREFIX": settings.prefix,
            "SEAWALL_BACKUP_LOGIN": settings.credentials,
            "SEAWALL_BACKUP_SCRATCH": _SCRATCH,
            # Half of the deadline: the rest is for the upload.
            "SEAWALL_BACKUP_DUMP_TIMEOUT_S": str(settings.deadline.whole_seconds // 2),
        }
        if settings.removal == "job":
            values["SEAWALL_BACKUP_KEEP_S"] = str(settings.keep.whole_seconds)
        if settings.endpoint:
            values["SEAWALL_BACKUP_ENDPOINT"] = settings.endpoint
        if settings.region:
            values["SEAWALL_BACKUP_REGION"] = settings.region
        return env(values, pod_name_as="SEAWALL_POD_NAME")

    def _metadata(
        self, name: str, annotations: dict[str, pulumi.Input[str]] | None = None
    ) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace,
            labels=labels_of(_COMPONENT),
            annotations=annotations,
        )
