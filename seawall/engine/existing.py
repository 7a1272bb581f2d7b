"""Existing objects that others made under the names of the program's objects.

The provider uses server-side apply, which would take these objects over without a warning.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass

from seawall.engine.errors import WorkspaceError
from seawall.engine.snapshot import Snapshot
from seawall.kube.kubectl import Kubectl

__all__ = ["ObjectName", "refuse_existing"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ObjectName:
    """The identity of an object; `namespace` is empty for a cluster-scoped object."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def as_document(self) -> dict[str, object]:
        """The smallest document by which kubectl finds the object."""
        place = {"namespace": self.namespace} if self.namespace else {}
        metadata = {"name": self.name, **place}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}


def refuse_existing(
    objects: Collection[ObjectName], *, before: Snapshot, env: str, kubectl: Kubectl
) -> None:
    """Make sure that the objects that the stack is about to create do not exist.

    Raises:
        WorkspaceError: at least one exists.
        ClusterError: the API server does not answer, or does not know a kind.
    """
    new = [item for item in objects if (item.kind, item.name) not in before.objects]
    if not new:
        return
    documents = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [item.as_document() for item in new],
    }
    words = ("get", "-f", "-", "--ignore-not-found", "--output=name")
    found = kubectl(*words, stdin=json.dumps(documents)).split()
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise WorkspaceError(
            f"{', '.join(found[:_SHOWN])}{more} exist already, outside stack {env}: nothing was "
            f"changed; remove them, or set seawall:kubernetes.adopt_existing to true in "
            f"Pulumi.{env}.yaml to take them over"
        )
