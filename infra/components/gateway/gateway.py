"""The gateway: pods behind one Service, scaled by load, within their disruption budget."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import (
    Deployment,
    DeploymentSpecArgs,
    DeploymentStrategyArgs,
    RollingUpdateDeploymentArgs,
)
from pulumi_kubernetes.core.v1 import (
    HostAliasArgs,
    PodTemplateSpecArgs,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from contract import paths
from infra.components.base.config_volume import mounted_files
from infra.components.base.placement import disruption_budget
from infra.components.base.provider_annotations import PROGRESS_SECONDS
from infra.components.gateway.files import settings_file
from infra.components.gateway.pod import COMPONENT, GatewayPod, pod_spec
from infra.components.gateway.scaling import autoscaler
from infra.components.secrets.secret_source import SecretSource
from infra.config import Gateway as GatewaySettings
from infra.labels import labels_of, selector_of
from infra.secret_names import provider_secrets, tracing_secrets
from infra.workloads.workload import SecretFiles

__all__ = ["SERVICE_PORT", "Gateway", "GatewayArgs"]

SERVICE_PORT = 80
"""Port of the gateway's Service."""


@dataclass(frozen=True, slots=True)
class GatewayArgs:
    """What a Gateway needs."""

    namespace: pulumi.Input[str]
    image: str
    settings: GatewaySettings
    redis_hosts: pulumi.Output[list[str]]
    redis_master: str
    redis_aliases: pulumi.Output[list[HostAliasArgs]]
    """The addresses of the hosts."""
    redis: pulumi.Resource
    """The Redis StatefulSet. Its pods are updated before the gateway's, so that Redis allows every
    command of a new gateway."""
    secrets: SecretSource
    """Fills the Secret that the pods mount. It holds only hashes of the clients' API keys."""


class Gateway(pulumi.ComponentResource):
    """The gateway's Deployment with everything that keeps it serving.

    The Deployment sets no number of replicas, because the autoscaler controls it.
    """

    service_name: pulumi.Output[str]
    url: pulumi.Output[str]
    """Address inside the cluster: that of the Service."""

    def __init__(
        self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:gateway:Gateway", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        files, secret = self._files(name)
        pod = GatewayPod(
            settings=args.settings,
            image=args.image,
            config=files,
            secret=secret,
            host_aliases=args.redis_aliases,
        )
        self._deployment(name, pod)
        autoscaler(name, self._metadata(name), args.settings.replicas, self._child)
        budget = args.settings.disruption
        disruption_budget(name, self._metadata(name), budget, COMPONENT, self._child)
        service = self._service(name)
        self.service_name = service.metadata.apply(lambda metadata: metadata.name or name)
        self.url = service.spec.apply(lambda spec: f"http://{spec.cluster_ip}")
        self.register_outputs({"service_name": self.service_name, "url": self.url})

    def _files(self, name: str) -> tuple[VolumeArgs, pulumi.Output[str]]:
        args = self._args
        file_name = paths.CONFIG_FILE.rsplit("/", 1)[-1]
        text = args.redis_hosts.apply(
            lambda hosts: settings_file(
                args.settings,
                redis_hosts=hosts,
                master=args.redis_master,
                # Changed settings create new pods, so that the verified settings run: ADR 0021.
                reload=False,
            )
        )
        files = mounted_files(
            f"{name}-settings", args.namespace, COMPONENT, {file_name: text}, self._child
        )
        copied = [paths.REDIS_APP_PASSWORD_FILE, paths.SENTINEL_PASSWORD_FILE]
        for provider_name, provider in args.settings.providers.items():
            copied += provider_secrets(provider_name, provider)
        copied += tracing_secrets(args.settings)
        secret = args.secrets.fill(
            f"{name}-secrets",
            self._metadata(f"{name}-secrets"),
            SecretFiles(tuple(copied), args.settings.api_keys, args.settings.revoked_api_keys),
            self._child,
        )
        return files, secret

    def _deployment(self, name: str, pod: GatewayPod) -> None:
        # A new pod is ready before an old one terminates, so capacity never drops.
        rolling = RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        after_redis = pulumi.ResourceOptions(depends_on=[self._args.redis])
        Deployment(
            name,
            metadata=self._metadata(name),
            spec=DeploymentSpecArgs(
                progress_deadline_seconds=PROGRESS_SECONDS,
                selector=_selector(),
                strategy=DeploymentStrategyArgs(type="RollingUpdate", rolling_update=rolling),
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=labels_of(COMPONENT)), spec=pod_spec(pod)
                ),
            ),
            opts=pulumi.ResourceOptions.merge(self._child, after_redis),
        )

    def _service(self, name: str) -> Service:
        port = ServicePortArgs(name="http", port=SERVICE_PORT, target_port="http")
        return Service(
            name,
            metadata=self._metadata(name),
            spec=ServiceSpecArgs(ports=[port], selector=selector_of(COMPONENT), type="ClusterIP"),
            opts=self._child,
        )

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(
            name=name,
            namespace=self._args.namespace,
            labels=labels_of(COMPONENT),
        )


def _selector() -> LabelSelectorArgs:
    return LabelSelectorArgs(match_labels=selector_of(COMPONENT))
