"""Objects that somebody else made under the names of a program's objects.

The provider applies on the server's side: it would take them over without a word.
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
    """What the API server knows an object by; `namespace` is empty for the cluster's own."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def as_document(self) -> dict[str, object]:
        """The least that kubectl finds it by."""
        place = {"namespace": self.namespace} if self.namespace else {}
        metadata = {"name": self.name, **place}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}


def refuse_existing(
    objects: Collection[ObjectName], *, before: Snapshot, env: str, kubectl: Kubectl
) -> None:
    """Make sure that what the stack is about to create is not there.

    Raises:
        WorkspaceError: it is.
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
            f"{', '.join(found[:_SHOWN])}{more} exist already and are not of stack {env}: nothing "
            f"was changed; remove them, or set seawall:kubernetes.adopt_existing to true in "
            f"Pulumi.{env}.yaml to take them over"
        )
