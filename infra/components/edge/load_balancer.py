"""A Service of type LoadBalancer: the cloud's own way in, in front of pods of the kit."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Service, ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.components.base.labels import labels_of, selector_of
from infra.config import Exposure

__all__ = ["Balanced", "load_balancer"]

_NO_WAIT = "pulumi.com/skipAwait"
"""The cloud takes its minutes to name an address; a release is judged by what serves inside."""


@dataclass(frozen=True, slots=True)
class Balanced:
    """The pods behind a load balancer.

    Attributes:
        namespace: theirs.
        component: what they are.
        port: the name of their container port.
        usual: where clients connect, unless the settings say otherwise.
    """

    namespace: pulumi.Input[str]
    component: str
    port: str
    usual: int = 80


def load_balancer(
    name: str, pods: Balanced, settings: Exposure, opts: pulumi.ResourceOptions
) -> Service:
    """The Service `name`. It sends to ready pods only; a pod that drains is none."""
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
