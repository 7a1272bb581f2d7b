"""Annotations for Pulumi's Kubernetes provider: how long it waits, and what it overwrites.

Waiting. By default the provider waits ten minutes for a rollout. Users do not notice a broken
release meanwhile, because old pods keep serving; with these annotations, whoever deploys it learns
of it within three minutes. The provider does not wait for a Service, whose endpoints come with the
pods. It does not wait for an Ingress either, because some controllers never give it an address.

Overwriting. A field that somebody changed by hand is a conflict for the provider, unless it may use
force. It may use force in the environment's own namespace, so that an update repairs manual
changes. Objects of the whole cluster may belong to somebody else, so a conflict is an error there.
"""

import copy
from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

__all__ = ["PROGRESS_SECONDS", "annotate"]

_ROLLOUT_SECONDS = 150
PROGRESS_SECONDS = 120
"""Seconds without progress after which the Deployment reports that it failed."""
_KUBERNETES = "kubernetes:"
_FORCE = {"pulumi.com/patchForce": "true"}
_ROLLOUT = {"pulumi.com/timeoutSeconds": str(_ROLLOUT_SECONDS)}
_NO_WAIT = {"pulumi.com/skipAwait": "true"}
_WAITING = {
    "kubernetes:apps/v1:Deployment": _ROLLOUT,
    "kubernetes:apps/v1:StatefulSet": _ROLLOUT,
    "kubernetes:core/v1:Service": _NO_WAIT,
    "kubernetes:networking.k8s.io/v1:Ingress": _NO_WAIT,
}
"""By Pulumi's type."""


def annotate(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Add these annotations to a Kubernetes object; a transformation of Pulumi's resources.

    Annotations that the component sets itself have precedence.
    """
    if not args.type_.startswith(_KUBERNETES):
        return None
    metadata = copy.copy(cast("ObjectMetaArgs", args.props["metadata"]))
    given = cast("Mapping[str, str] | None", metadata.annotations)
    force = _FORCE if metadata.namespace is not None else {}
    own = {**force, **_WAITING.get(args.type_, {})}
    if own:
        metadata.annotations = {**own, **(given or {})}
    return pulumi.ResourceTransformationResult({**args.props, "metadata": metadata}, args.opts)
