"""How the gateway is scaled: up at once, down slowly."""

import pulumi
from pulumi_kubernetes.autoscaling.v2 import (
    CrossVersionObjectReferenceArgs,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehaviorArgs,
    HorizontalPodAutoscalerSpecArgs,
    HPAScalingPolicyArgs,
    HPAScalingRulesArgs,
    MetricSpecArgs,
    MetricTargetArgs,
    ResourceMetricSourceArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.settings import Replicas

__all__ = ["autoscaler"]

_DOWN_AFTER_S = 300
"""Kubernetes' own default: a lull of five minutes before a pod is given up."""


def autoscaler(
    name: str, metadata: ObjectMetaArgs, replicas: Replicas, opts: pulumi.ResourceOptions
) -> HorizontalPodAutoscaler:
    """The autoscaler of the Deployment of the same name."""
    cpu = MetricTargetArgs(type="Utilization", average_utilization=replicas.cpu_percent)
    return HorizontalPodAutoscaler(
        name,
        metadata=metadata,
        spec=HorizontalPodAutoscalerSpecArgs(
            behavior=_behavior(),
            max_replicas=replicas.max,
            metrics=[
                MetricSpecArgs(
                    type="Resource", resource=ResourceMetricSourceArgs(name="cpu", target=cpu)
                )
            ],
            min_replicas=replicas.min,
            scale_target_ref=CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=name
            ),
        ),
        opts=opts,
    )


def _behavior() -> HorizontalPodAutoscalerBehaviorArgs:
    double = HPAScalingPolicyArgs(type="Percent", value=100, period_seconds=15)
    two = HPAScalingPolicyArgs(type="Pods", value=2, period_seconds=15)
    one = HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=60)
    return HorizontalPodAutoscalerBehaviorArgs(
        scale_up=HPAScalingRulesArgs(
            policies=[double, two], select_policy="Max", stabilization_window_seconds=0
        ),
        # One pod a minute: each that leaves drains its streams, which takes a while.
        scale_down=HPAScalingRulesArgs(
            policies=[one], select_policy="Max", stabilization_window_seconds=_DOWN_AFTER_S
        ),
    )
