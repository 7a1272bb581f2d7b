"""A resource as a program declares it, as plain data: the input of policies and tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Resource"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One registered resource.

    Attributes:
        type: Pulumi's type token, such as kubernetes:apps/v1:Deployment.
        name: the name in the program.
        inputs: plain values by their camelCase names; secrets are unwrapped.
        sealed: the paths, such as `stringData` or `data.password`, of values that were given as
            secrets.
        dependencies: the URNs of the resources that are created before it.
        protect: whether the engine refuses to delete it.
        retain_on_delete: whether the engine forgets it instead of deleting it.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    sealed: frozenset[str] = frozenset()
    dependencies: tuple[str, ...] = ()
    protect: bool = False
    retain_on_delete: bool = False

    @property
    def kind(self) -> str:
        """The last part of the type: Deployment, BucketV2."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def title(self) -> str:
        """The resource's name in messages: `Deployment gateway`."""
        return f"{self.kind} {self.name}"
