"""A Deployment of one pod that users do not wait for: it may be absent for a moment."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs
from pulumi_kubernetes.core.v1 import PodSpecArgs, PodTemplateSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from infra.components.base.placement import tolerations_of_lost_nodes
from infra.components.base.provider_annotations import PROGRESS_SECONDS
from infra.labels import labels_of, selector_of

__all__ = ["SinglePod", "single_pod"]


@dataclass(frozen=True, slots=True)
class SinglePod:
    """The settings that differ between these pods."""

    namespace: pulumi.Input[str]
    spec: PodSpecArgs
    replace_after_s: int
    """Seconds for which its node may be lost before the pod is recreated."""
    labels: Mapping[str, str] | None = None
    """Replace the labels of a component with the Deployment's name; its selector must match
    them."""


def single_pod(name: str, pod: SinglePod, opts: pulumi.ResourceOptions) -> Deployment:
    """The Deployment; a new pod is ready before the old one terminates."""
    marked = pod.labels or labels_of(name)
    pod.spec.tolerations = tolerations_of_lost_nodes(pod.replace_after_s)
    return Deployment(
        name,
        metadata=ObjectMetaArgs(name=name, namespace=pod.namespace, labels=marked),
        spec=DeploymentSpecArgs(
            progress_deadline_seconds=PROGRESS_SECONDS,
            replicas=1,
            selector=LabelSelectorArgs(match_labels=selector_of(name)),
            template=PodTemplateSpecArgs(metadata=ObjectMetaArgs(labels=marked), spec=pod.spec),
        ),
        opts=opts,
    )
