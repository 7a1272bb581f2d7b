"""The platform: which component gets which. The only module that knows them all."""

from collections.abc import Mapping
from typing import TypeAlias

import pulumi
from pulumi_kubernetes import Provider

from contract import paths
from infra.components.gateway import Gateway, GatewayArgs
from infra.components.gateway_files import provider_key_file
from infra.components.namespace import Namespace, NamespaceArgs
from infra.components.provider_simulator import ProviderSimulator, ProviderSimulatorArgs
from infra.components.redis_sentinel import RedisSentinel, RedisSentinelArgs
from infra.config import REDIS_SECRETS, Secrets
from infra.settings import Environment, Kubernetes

__all__ = ["Outputs", "compose"]

Outputs: TypeAlias = Mapping[str, pulumi.Input[object]]


def compose(environment: Environment, secrets: Secrets) -> Outputs:
    """Declare the platform of `environment` and return the stack's outputs."""
    opts = pulumi.ResourceOptions(providers=[_cluster(environment.kubernetes)])
    namespace = Namespace(
        "namespace",
        NamespaceArgs(
            name=environment.kubernetes.namespace,
            pod_security_version=environment.kubernetes.pod_security_version,
        ),
        opts,
    )
    redis = RedisSentinel(
        "redis",
        RedisSentinelArgs(
            namespace=namespace.name,
            image=environment.images.redis,
            settings=environment.redis,
            passwords={name: secrets[name] for name in REDIS_SECRETS},
        ),
        opts,
    )
    api_keys = {
        name: secrets[f"{paths.API_KEY_PREFIX}{name}"] for name in environment.gateway.api_keys
    }
    gateway = Gateway(
        "gateway",
        GatewayArgs(
            namespace=namespace.name,
            image=environment.images.gateway,
            settings=environment.gateway,
            redis_hosts=redis.hosts,
            redis_master=redis.master_name,
            api_keys=api_keys,
            secret_files=_gateway_secrets(environment, secrets),
        ),
        opts,
    )
    simulators = {
        name: ProviderSimulator(
            f"simulator-{name}",
            ProviderSimulatorArgs(namespace.name, environment.images.gateway, name),
            opts,
        )
        for name in environment.simulators
    }
    return {
        "namespace": namespace.name,
        "gateway_service": gateway.service_name,
        "gateway_url": gateway.url,
        "redis_hosts": redis.hosts,
        "redis_master": redis.master_name,
        "simulator_admin_urls": {name: item.admin_url for name, item in simulators.items()},
        "api_keys": pulumi.Output.secret(api_keys),
        "images": environment.images.model_dump(),
    }


def _cluster(settings: Kubernetes) -> Provider:
    return Provider(
        "cluster",
        kubeconfig=settings.kubeconfig,
        # In place: pods mount both as directories and see the new content without a restart.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        upsert_existing_objects=settings.adopt_existing,
    )


def _gateway_secrets(
    environment: Environment, secrets: Secrets
) -> Mapping[str, pulumi.Output[str]]:
    names = [paths.REDIS_APP_PASSWORD_FILE, paths.SENTINEL_PASSWORD_FILE]
    names += [provider_key_file(provider) for provider in environment.gateway.providers]
    return {name: secrets[name] for name in names}
