"""The namespace, which admits only pods that keep the restricted standard."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Namespace as KubernetesNamespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.labels import labels_of

__all__ = ["Namespace", "NamespaceArgs"]

_MODES = ("enforce", "audit", "warn")


@dataclass(frozen=True, slots=True)
class NamespaceArgs:
    """What a Namespace needs."""

    name: str
    pod_security_version: str
    protect: bool
    """Whether Pulumi refuses to delete the namespace, and with it every volume."""


class Namespace(pulumi.ComponentResource):
    """A namespace with Pod Security admission at the restricted level of a pinned version."""

    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:platform:Namespace", name, None, opts)
        security: dict[str, str] = {}
        for mode in _MODES:
            security[f"pod-security.kubernetes.io/{mode}"] = "restricted"
            security[f"pod-security.kubernetes.io/{mode}-version"] = args.pod_security_version
        namespace = KubernetesNamespace(
            name,
            metadata=ObjectMetaArgs(name=args.name, labels={**labels_of("namespace"), **security}),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.name = namespace.metadata.apply(lambda metadata: metadata.name or args.name)
        self.register_outputs({"name": self.name})
