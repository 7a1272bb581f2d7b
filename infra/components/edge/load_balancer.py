"""A Service of type LoadBalancer in front of Seawall's pods."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Service, ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.config import Exposure
from infra.labels import labels_of, selector_of

__all__ = ["Balanced", "load_balancer"]

_NO_WAIT = "pulumi.com/skipAwait"
"""The cloud needs minutes to assign an address; a release is verified inside the cluster."""


@dataclass(frozen=True, slots=True)
class Balanced:
    """The pods behind a load balancer.

    Attributes:
        namespace: their namespace.
        component: their component.
        port: the name of their container port.
        usual: the port that clients connect to, unless the settings have another one.
    """

    namespace: pulumi.Input[str]
    component: str
    port: str
    usual: int = 80


def load_balancer(
    name: str, pods: Balanced, settings: Exposure, opts: pulumi.ResourceOptions
) -> Service:
    """The Service `name`. It sends to ready pods only, and so not to a pod that drains."""
    return Service(
        name,
        metadata=ObjectMetaArgs(
            name=name,
            namespace=pods.namespace,
            labels=labels_of(pods.component),
            annotations={_NO_WAIT: "true", **settings.annotations},
        ),
        spec=ServiceSpecArgs(
            type="LoadBalancer",
            external_traffic_policy=settings.external_traffic_policy,
            load_balancer_class=settings.class_name,
            load_balancer_source_ranges=list(settings.source_ranges) or None,
            ports=[
                ServicePortArgs(
                    name="http", port=settings.port or pods.usual, target_port=pods.port
                )
            ],
            selector=selector_of(pods.component),
        ),
        opts=opts,
    )
