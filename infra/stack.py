"""The platform: which component gets which settings. Monitoring is in `infra.monitoring_stack`."""

from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes import Provider

from contract.components import EDGE
from infra.components.base.namespace import Namespace, NamespaceArgs
from infra.components.base.program_pod import ProgramPod, ProgramPodArgs
from infra.components.base.provider_annotations import annotate
from infra.components.edge.edge import Edge, EdgeArgs
from infra.components.gateway.gateway import SERVICE_PORT, Gateway, GatewayArgs
from infra.components.monitoring.metrics_adapter import MetricsAdapter
from infra.components.monitoring.prometheus import Prometheus
from infra.components.network.policies import NetworkPolicies, NetworkPoliciesArgs
from infra.components.redis.backup import SERVICE_ACCOUNT as BACKUP_ACCOUNT
from infra.components.redis.backup import RedisBackup, RedisBackupArgs
from infra.components.redis.redis_sentinel import RedisSentinel, RedisSentinelArgs
from infra.components.secrets.external_secrets import (
    SERVICE_ACCOUNT,
    ExternalSecrets,
    ExternalSecretsArgs,
)
from infra.components.secrets.generated_secrets import GeneratedSecrets
from infra.components.secrets.secret_source import SecretSource
from infra.components.simulator.provider_simulator import ProviderSimulator, ProviderSimulatorArgs
from infra.config import Environment, Generated, Kubernetes, Vault
from infra.monitoring_stack import declare_monitoring_objects
from infra.outputs import Outputs, api_keys, aws_parts, release_record
from infra.secret_names import every_secret
from infra.stack_config import Secrets
from infra.workloads.catalogue import workloads

if TYPE_CHECKING:
    from infra.components.aws.building_blocks import AwsBuildingBlocks

__all__ = ["declare"]

_COMPONENTS = {"prometheus": Prometheus, "metrics-adapter": MetricsAdapter}
"""The components of workloads that need more than a pod, by the workload's name."""


def declare(environment: Environment, secrets: Secrets | None) -> Outputs:
    """Declare the platform of `environment` and return the stack's outputs.

    `secrets` has the secrets that `secret_names` returns; None when there are none.
    """
    opts = pulumi.ResourceOptions(
        providers=[_cluster(environment.kubernetes)], transformations=[annotate]
    )
    namespace = Namespace(
        "namespace",
        NamespaceArgs(
            name=environment.kubernetes.namespace,
            pod_security_version=environment.kubernetes.pod_security_version,
            protect=environment.protect,
        ),
        opts,
    )
    aws = _aws(environment)
    source = _secret_source(environment, secrets, aws, namespace.name, opts)
    every = workloads(environment)
    NetworkPolicies("network", NetworkPoliciesArgs(namespace.name, environment, every), opts)
    redis = RedisSentinel(
        "redis",
        RedisSentinelArgs(
            namespace=namespace.name,
            image=environment.images.redis,
            settings=environment.redis,
            secrets=source,
            protect=environment.protect,
        ),
        opts,
    )
    _backup(environment, namespace.name, redis, source, aws, opts)
    gateway = Gateway(
        "gateway",
        GatewayArgs(
            namespace=namespace.name,
            image=environment.images.gateway,
            settings=environment.gateway,
            redis_hosts=redis.hosts,
            redis_master=redis.master_name,
            redis_aliases=redis.host_aliases,
            redis=redis.stateful_set,
            secrets=source,
        ),
        opts,
    )
    edge = Edge(
        EDGE,
        EdgeArgs(
            namespace=namespace.name,
            settings=environment.edge,
            gateway=environment.gateway,
            image=environment.images.edge,
            service=gateway.service_name,
            service_port=SERVICE_PORT,
            service_url=gateway.url,
        ),
        opts,
    )
    replace_after_s = environment.gateway.replace_after.whole_seconds
    for workload in every.values():
        if workload.program and workload.image:
            args = ProgramPodArgs(
                namespace=namespace.name,
                plain_namespace=environment.kubernetes.namespace,
                image=environment.images.given[workload.image],
                program=workload.program,
                secrets=source,
                redis_aliases=redis.host_aliases,
                replace_after_s=replace_after_s,
            )
            _COMPONENTS.get(workload.name, ProgramPod)(workload.name, args, opts)
    declare_monitoring_objects(environment, every, namespace.name, opts)
    simulators = {
        name: ProviderSimulator(
            f"simulator-{name}",
            ProviderSimulatorArgs(
                namespace.name, environment.images.gateway, name, replace_after_s
            ),
            opts,
        )
        for name in environment.simulators
    }
    return {
        "namespace": namespace.name,
        "gateway_service": gateway.service_name,
        "gateway_url": edge.url,
        "edge_urls": edge.hosts,
        "entrance_urls": edge.hosts,  # the earlier name, for one release
        "redis_hosts": redis.hosts,
        "redis_master": redis.master_name,
        "simulator_admin_urls": {name: item.admin_url for name, item in simulators.items()},
        "images": environment.images.given,
        **api_keys(environment, secrets),
        **release_record(environment),
        **aws_parts(aws),
    }


def _cluster(settings: Kubernetes) -> Provider:
    return Provider(
        "cluster",
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        # In place: pods mount both as directories and see the new content without a restart.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def _secret_source(
    environment: Environment,
    secrets: Secrets | None,
    aws: "AwsBuildingBlocks | None",
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> SecretSource:
    store = environment.secret_store
    if isinstance(store, Generated):
        return GeneratedSecrets(secrets or {})
    role: pulumi.Input[str] | None = None
    if not isinstance(store, Vault):
        made = aws.role_arns.get(SERVICE_ACCOUNT) if aws else None
        role = store.role_arn or made
    return ExternalSecrets("secrets", ExternalSecretsArgs(namespace, store, role), opts)


def _backup(
    environment: Environment,
    namespace: pulumi.Input[str],
    redis: RedisSentinel,
    source: SecretSource,
    aws: "AwsBuildingBlocks | None",
    opts: pulumi.ResourceOptions,
) -> None:
    settings = environment.backup
    if settings is None:
        return
    made = aws.role_arns.get(BACKUP_ACCOUNT) if aws else None
    RedisBackup(
        "backup",
        RedisBackupArgs(
            namespace=namespace,
            image=settings.image,
            settings=settings,
            redis_hosts=redis.hosts,
            redis_master=redis.master_name,
            redis_aliases=redis.host_aliases,
            secrets=source,
            role_arn=settings.role_arn or made,
        ),
        opts,
    )


def _aws(environment: Environment) -> "AwsBuildingBlocks | None":
    if environment.aws is None:
        return None
    # Not at the top: pulumi_aws takes half a second to import, so only its users import it.
    from infra.components.aws.building_blocks import (  # noqa: PLC0415
        AwsBuildingBlocks,
        AwsBuildingBlocksArgs,
    )

    return AwsBuildingBlocks(
        "aws",
        AwsBuildingBlocksArgs(
            settings=environment.aws,
            namespace=environment.kubernetes.namespace,
            secret_names=every_secret(environment),
            secrets_account=SERVICE_ACCOUNT,
            backup_account=BACKUP_ACCOUNT,
            protect=environment.protect,
        ),
    )
