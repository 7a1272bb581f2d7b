"""The cluster, and the place in it."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from infra.config.base import Strict
from infra.config.scalars import Image, Name
from infra.config.text_types import Form, matching

__all__ = ["NEWEST", "OLDEST", "Kubernetes"]

OLDEST = "1.30"
"""The oldest supported version: preStop.sleep is on by default from here."""
NEWEST = "1.35"
"""The newest supported version: the one that the kit was run with."""


class Kubernetes(Strict):
    """The cluster and the place in it."""

    cluster: Literal["embedded", "kind", "existing"]
    """`embedded` is the kit's own cluster on this machine; `kind` is one that the kit makes with
    kind and Docker; `existing` is one that is reached by kubeconfig."""
    node_image: Image | None = None
    """With `kind`: the image of its nodes, which tells the version of Kubernetes; the default of
    the kind that is installed when not given."""
    context: str | None = None
    """The context in the kubeconfig; its current one when not given."""
    kubeconfig: (
        Annotated[str, Form("the path of a file", "~/.kube/config", matching(r"[^\n{}]+"))] | None
    ) = None
    """Path of a file; $KUBECONFIG when not given. Contents would put keys into git and state."""
    namespace: Name
    """The namespace, which the program makes."""
    adopt_existing: bool = False
    """Take over objects that exist already, instead of an error."""
    pod_security_version: Annotated[
        str, Form("a version of Kubernetes", "v1.35", matching(r"v1\.[0-9]{2}"))
    ]
    """The version of the restricted Pod Security standard, pinned against upgrades."""

    @model_validator(mode="after")
    def _only_kind_has_a_node_image(self) -> Self:
        if self.node_image is not None and self.cluster != "kind":
            raise ValueError(
                f'node_image = "{self.node_image}" is for cluster = "kind", and cluster = '
                f'"{self.cluster}"; leave it out'
            )
        return self
