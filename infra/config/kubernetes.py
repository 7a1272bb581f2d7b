"""The cluster, and the namespace in it."""

import re
from typing import Annotated, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from contract.values.strict import Strict
from contract.values.text_types import HIDDEN, Form, matching
from infra.config.scalars import Image, Name

__all__ = ["NEWEST", "OLDEST", "Kubernetes", "has_contents"]

OLDEST = "1.30"
"""The oldest supported version: preStop.sleep is enabled by default since this version."""
NEWEST = "1.35"
"""The newest supported version: the one that Seawall was run with."""
_OF_THE_CLUSTER = "default"
_PREFIX_OF_THE_CLUSTER = "kube-"
_CONTENTS = re.compile(r"[\n{}]|apiVersion|^YXBpVmVyc2lvbjo")  # the last one is in base64
_LONGEST_PATH = 1024


def has_contents(text: str) -> bool:
    """Whether a text, where the path of a kubeconfig is expected, may be its contents."""
    return len(text) > _LONGEST_PATH or _CONTENTS.search(text) is not None


def _is_a_path(text: str) -> bool:
    if has_contents(text):
        raise PydanticCustomError(
            HIDDEN,
            "must be the path of a file, because the contents of a kubeconfig would put its keys "
            "into git and into the stack's state",
        )
    return bool(text)


class Kubernetes(Strict):
    """The cluster, and the namespace in it."""

    cluster: Literal["embedded", "kind", "existing"]
    """`embedded` is a cluster of Kubernetes processes on this machine, which Seawall starts. `kind`
    is a cluster that Seawall creates with kind and Docker. `existing` is a cluster that is reached
    by kubeconfig."""
    node_image: Image | None = None
    """Image of the nodes of a `kind` cluster, which determines the version of Kubernetes. The
    default of the installed kind when not given."""
    context: str | None = None
    """Name of the context in the kubeconfig. Its current context when not given."""
    kubeconfig: Annotated[str, Form("the path of a file", "~/.kube/config", _is_a_path)] | None = (
        None
    )
    """Path of the kubeconfig file. `$KUBECONFIG` when not given. The contents of the file are
    refused, because they would put keys into git and the state."""
    namespace: Name
    """Name of the environment's namespace. The program creates it."""
    adopt_existing: bool = False
    """Whether to take over objects that exist already. When false, such an object is an error."""
    pod_security_version: Annotated[
        str, Form("a version of Kubernetes", "v1.35", matching(r"v1\.[0-9]{2}"))
    ] = f"v{NEWEST}"
    """Version of the restricted Pod Security standard. It is pinned so that an upgrade of the
    cluster does not change it."""

    @model_validator(mode="after")
    def _namespace_is_the_environments_own(self) -> Self:
        name = self.namespace
        if name == _OF_THE_CLUSTER or name.startswith(_PREFIX_OF_THE_CLUSTER):
            raise ValueError(
                f'namespace = "{name}" belongs to the cluster, whose own pods the network policies '
                "and the Pod Security standard would stop; name another one"
            )
        return self

    @model_validator(mode="after")
    def _only_kind_has_a_node_image(self) -> Self:
        if self.node_image is not None and self.cluster != "kind":
            raise ValueError(
                f'node_image = "{self.node_image}" is for cluster = "kind", and cluster = '
                f'"{self.cluster}"; leave it out'
            )
        return self
