"""Everything that one environment has in its AWS account, composed from this package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import Provider

from contract import ports
from infra.components.aws.backup_bucket import BackupBucket, BackupBucketArgs
from infra.components.aws.documents import Statement, read_secrets, use_key, use_prefix
from infra.components.aws.ecr_repository import EcrRepository, EcrRepositoryArgs
from infra.components.aws.secrets import Secrets, SecretsArgs
from infra.components.aws.security_groups import GuardedGroup, GuardedGroupArgs, Opening
from infra.components.aws.service_account_role import ServiceAccountRole, ServiceAccountRoleArgs
from infra.config.aws import Aws, AwsNetwork, AwsRegistry, AwsSecrets

__all__ = ["AwsBuildingBlocks", "AwsBuildingBlocksArgs"]

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class AwsBuildingBlocksArgs:
    """What AwsBuildingBlocks needs."""

    settings: Aws
    namespace: str
    """The namespace of the service accounts below."""
    secret_names: Sequence[str]
    """Every secret of the environment, without a prefix."""
    secrets_account: str
    """The service account that reads the secrets."""
    backup_account: str
    """The service account that writes and reads backups."""
    protect: bool
    """Whether Pulumi refuses to delete the bucket, the secrets and the repositories."""


class AwsBuildingBlocks(pulumi.ComponentResource):
    """The parts that the settings name; a part that is not named is None or empty.

    Buckets, secrets and repositories hold state and take `protect`. A role is created only for a
    part that exists, and only when the settings name the cluster's OIDC provider.
    """

    bucket: pulumi.Output[str] | None = None
    """The name of the bucket for backups."""
    secret_arns: Mapping[str, pulumi.Output[str]]
    """By the secret's name without the prefix."""
    repository_urls: Mapping[str, pulumi.Output[str]]
    """By the repository's name."""
    role_arns: Mapping[str, pulumi.Output[str]]
    """By service account: the value of the annotation eks.amazonaws.com/role-arn."""
    security_groups: Mapping[str, pulumi.Output[str]]
    """IDs by what they protect: redis, entrance."""

    def __init__(
        self, name: str, args: AwsBuildingBlocksArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:aws:AwsBuildingBlocks", name, None, opts)
        self._name = name
        self._args = args
        provider = Provider(
            name, region=args.settings.region, opts=pulumi.ResourceOptions(parent=self)
        )
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        self.role_arns = {}
        settings = args.settings
        self._backups()
        self.secret_arns = self._secrets(settings.secrets) if settings.secrets else {}
        self.repository_urls = self._repositories(settings.registry) if settings.registry else {}
        self.security_groups = self._groups(settings.network) if settings.network else {}
        self.register_outputs(
            {
                "bucket": self.bucket,
                "secret_arns": self.secret_arns,
                "repository_urls": self.repository_urls,
                "role_arns": self.role_arns,
                "security_groups": self.security_groups,
            }
        )

    def _backups(self) -> None:
        settings = self._args.settings
        wanted = settings.backup_bucket
        if wanted is None:
            return
        bucket = BackupBucket(
            f"{self._name}-backups",
            BackupBucketArgs(
                bucket=wanted.name,
                days=wanted.days,
                kms_key_arn=settings.kms_key_arn,
                protect=self._args.protect,
            ),
            self._child,
        )
        self.bucket = bucket.name
        rights = [*use_prefix(bucket.arn, wanted.prefix)]
        if settings.kms_key_arn:
            rights.append(use_key(settings.kms_key_arn, "Decrypt", "GenerateDataKey"))
        self._role(self._args.backup_account, rights)

    def _secrets(self, wanted: AwsSecrets) -> Mapping[str, pulumi.Output[str]]:
        key = self._args.settings.kms_key_arn
        secrets = Secrets(
            f"{self._name}-secrets",
            SecretsArgs(
                prefix=wanted.prefix,
                names=self._args.secret_names,
                kms_key_arn=key,
                recovery_days=wanted.recovery_days,
                protect=self._args.protect,
            ),
            self._child,
        )
        rights = [read_secrets([*secrets.arns.values()])] if secrets.arns else []
        if rights and key:
            rights.append(use_key(key, "Decrypt"))
        self._role(self._args.secrets_account, rights)
        return secrets.arns

    def _repositories(self, wanted: AwsRegistry) -> Mapping[str, pulumi.Output[str]]:
        return {
            repository: EcrRepository(
                f"{self._name}-{repository.replace('/', '-')}",
                EcrRepositoryArgs(
                    repository=repository,
                    untagged_days=wanted.untagged_days,
                    kms_key_arn=self._args.settings.kms_key_arn,
                    protect=self._args.protect,
                ),
                self._child,
            ).url
            for repository in wanted.repositories
        }

    def _groups(self, wanted: AwsNetwork) -> Mapping[str, pulumi.Output[str]]:
        openings: dict[str, tuple[str, Sequence[Opening], Sequence[Opening]]] = {}
        if wanted.redis_clients:
            ingress = [Opening(ports.REDIS, wanted.redis_clients)]
            openings["redis"] = ("Clients of a managed Redis", ingress, [])
        if wanted.edge:
            ingress = [Opening(_HTTPS, wanted.edge.clients)]
            inside = (ports.GATEWAY_HTTP, ports.GATEWAY_HEALTH)
            egress = [Opening(port, wanted.edge.nodes) for port in inside]
            openings["entrance"] = ("Load balancer before the gateway", ingress, egress)
        return {
            guarded: GuardedGroup(
                f"{self._name}-{guarded}",
                GuardedGroupArgs(wanted.vpc_id, description, ingress, egress),
                self._child,
            ).id_of_group
            for guarded, (description, ingress, egress) in openings.items()
        }

    def _role(self, account: str, rights: Sequence[Statement]) -> None:
        provider = self._args.settings.oidc_provider_arn
        # AWS refuses a document without statements.
        if provider is None or not rights:
            return
        role = ServiceAccountRole(
            f"{self._name}-{account}",
            ServiceAccountRoleArgs(provider, self._args.namespace, account, rights),
            self._child,
        )
        self.role_arns = {**self.role_arns, account: role.arn}
