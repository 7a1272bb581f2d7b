"""The cluster, and the place in it."""

from typing import Annotated, Literal

from infra.settings.base import Strict
from infra.settings.forms import Form, matching
from infra.settings.grammar import Name

__all__ = ["NEWEST", "OLDEST", "Kubernetes"]

OLDEST = "1.30"
"""The oldest supported version: preStop.sleep is on by default from here."""
NEWEST = "1.35"
"""The newest supported version: the one that the kit was run with."""


class Kubernetes(Strict):
    """The cluster and the place in it."""

    cluster: Literal["embedded", "existing"]
    """`embedded` is the kit's own cluster on this machine; `existing` is one that is reached by
    kubeconfig."""
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
