"""The gateway's autoscaler: it scales up at once and down slowly."""

from collections.abc import Iterator

import pulumi
from pulumi_kubernetes.autoscaling.v2 import (
    CrossVersionObjectReferenceArgs,
    ExternalMetricSourceArgs,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehaviorArgs,
    HorizontalPodAutoscalerSpecArgs,
    HPAScalingPolicyArgs,
    HPAScalingRulesArgs,
    MetricIdentifierArgs,
    MetricSpecArgs,
    MetricTargetArgs,
    PodsMetricSourceArgs,
    ResourceMetricSourceArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra.config import Replicas
from monitoring.scaling import SIGNALS, Signal

__all__ = ["autoscaler"]


def autoscaler(
    name: str, metadata: ObjectMetaArgs, replicas: Replicas, opts: pulumi.ResourceOptions
) -> HorizontalPodAutoscaler:
    """The HorizontalPodAutoscaler of the Deployment with the same name."""
    return HorizontalPodAutoscaler(
        name,
        metadata=metadata,
        spec=HorizontalPodAutoscalerSpecArgs(
            behavior=_behavior(replicas),
            max_replicas=replicas.max,
            metrics=list(_metrics(replicas)),
            min_replicas=replicas.min,
            scale_target_ref=CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=name
            ),
        ),
        opts=opts,
    )


def _metrics(replicas: Replicas) -> Iterator[MetricSpecArgs]:
    cpu = MetricTargetArgs(type="Utilization", average_utilization=replicas.cpu_percent)
    yield MetricSpecArgs(type="Resource", resource=ResourceMetricSourceArgs(name="cpu", target=cpu))
    given = replicas.per_pod.model_dump(exclude_none=True)
    for signal in SIGNALS:
        if signal.key in given:
            yield _metric(signal, str(given[signal.key]))


def _metric(signal: Signal, per_pod: str) -> MetricSpecArgs:
    """One metric; Kubernetes divides a value of all pods together by their number."""
    metric = MetricIdentifierArgs(name=signal.metric)
    target = MetricTargetArgs(type="AverageValue", average_value=per_pod)
    if signal.of_pods:
        return MetricSpecArgs(type="Pods", pods=PodsMetricSourceArgs(metric=metric, target=target))
    return MetricSpecArgs(
        type="External", external=ExternalMetricSourceArgs(metric=metric, target=target)
    )


def _behavior(replicas: Replicas) -> HorizontalPodAutoscalerBehaviorArgs:
    double = HPAScalingPolicyArgs(type="Percent", value=100, period_seconds=15)
    two = HPAScalingPolicyArgs(type="Pods", value=2, period_seconds=15)
    every = replicas.scale_down_every.whole_seconds
    one = HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=every)
    return HorizontalPodAutoscalerBehaviorArgs(
        scale_up=HPAScalingRulesArgs(
            policies=[double, two], select_policy="Max", stabilization_window_seconds=0
        ),
        scale_down=HPAScalingRulesArgs(
            policies=[one],
            select_policy="Max",
            stabilization_window_seconds=replicas.scale_down_after.whole_seconds,
        ),
    )
