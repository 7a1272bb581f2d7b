"""prometheus-adapter: it serves two APIs of the cluster."""

import pulumi
from pulumi_kubernetes.apiregistration.v1 import (
    APIService,
    APIServiceSpecArgs,
    ServiceReferenceArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.components.base.program_pod import ProgramPod
from infra.components.monitoring.metrics_adapter_rbac import rights_of
from infra.labels import labels_of

__all__ = ["MetricsAdapter"]

_GROUPS = ("custom.metrics.k8s.io", "external.metrics.k8s.io")
_VERSION = "v1beta1"
"""The version of both APIs that every supported Kubernetes uses."""


class MetricsAdapter(ProgramPod):
    """A pod with the permissions of an aggregated API, and the APIs."""

    def _service_account(self) -> pulumi.Input[str] | None:
        metadata = self._metadata(self._name)
        return rights_of(self._name, metadata, self._args.plain_namespace, self._child)

    def _declare_more(self) -> None:
        # Register the APIs only once the adapter serves them: an API without a server prevents the
        # deletion of every namespace of the cluster.
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.deployment])
        for group in _GROUPS:
            self._api(group, after)

    def _api(self, group: str, opts: pulumi.ResourceOptions) -> None:
        name = f"{_VERSION}.{group}"
        APIService(
            name,
            metadata=ObjectMetaArgs(name=name, labels=labels_of(self._name)),
            spec=APIServiceSpecArgs(
                group=group,
                version=_VERSION,
                group_priority_minimum=100,
                version_priority=100,
                # Each pod creates its own self-signed certificate; metrics-server does the same.
                insecure_skip_tls_verify=True,
                service=ServiceReferenceArgs(
                    name=self.service.metadata.apply(lambda made: made.name or self._name),
                    namespace=self._args.namespace,
                    port=self._args.program.service_port,
                ),
            ),
            opts=opts,
        )
