"""Annotations that tell Pulumi's Kubernetes provider how long to wait, and what to take back.

Waiting. By default the provider waits ten minutes for a rollout. Users do not notice a broken
release meanwhile, since old pods keep serving; whoever deploys it learns of it within three
minutes. The provider does not wait for a Service, whose endpoints come with the pods, nor for an
Ingress, to which some controllers never give an address.

Taking back. A field that somebody changed by hand is a conflict for the provider, unless it may use
force. It may for what is in the environment's own namespace, so that an update repairs what was
changed. What the whole cluster shares may be somebody else's, so there a conflict is an error.
"""

import copy
from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

__all__ = ["PROGRESS_SECONDS", "annotate"]

_ROLLOUT_SECONDS = 150
PROGRESS_SECONDS = 120
"""After so long without progress the Deployment says itself that it failed."""
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
    """Give an object of Kubernetes its annotations; a transformation of Pulumi's resources.

    Those that its component gave it win.
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
