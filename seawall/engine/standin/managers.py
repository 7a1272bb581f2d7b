"""Who owns a field, and whether it may be taken back: the rule of the official provider.

Fields that a person changed with kubectl are drift and are repaired. Fields that a controller
owns (an autoscaler's replicas, say) would be fought over for ever: that is an error in the
program, and is reported as one.
"""

import re
from dataclasses import dataclass

from seawall.engine.standin.api import ApiError, Cluster
from seawall.engine.standin.naming import describe
from seawall.engine.standin.support import Refusal
from seawall.engine.standin.values import Json, JsonObject, text_at

__all__ = ["Conflict", "apply", "conflicts"]

_CONFLICT = "FieldManagerConflict"
_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]+)"')
_KUBECTL = re.compile(r"kubectl(-.+)?")
"""kubectl, kubectl-edit, kubectl-client-side-apply, kubectl-patch, kubectl-rollout, ..."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that another manager owns."""

    field: str
    manager: str

    @property
    def is_repairable(self) -> bool:
        """Owned by a person's kubectl rather than by a controller."""
        return _KUBECTL.fullmatch(self.manager) is not None


def apply(cluster: Cluster, manifest: JsonObject, *, dry_run: bool) -> JsonObject:
    """Apply `manifest`, taking back what kubectl changed.

    Raises Refusal that names field and owner when a controller owns a field, ApiError on any other
    failure.
    """
    try:
        return cluster.apply(manifest, force=False, dry_run=dry_run)
    except ApiError as error:
        found = conflicts(error.causes)
        if not found:
            raise
        owned = [conflict for conflict in found if not conflict.is_repairable]
        if owned:
            listed = ", ".join(f"{item.field} is owned by {item.manager!r}" for item in owned)
            raise Refusal(
                f"{describe(manifest)}: {listed}; leave the field out of the program"
            ) from error
    return cluster.apply(manifest, force=True, dry_run=dry_run)


def conflicts(causes: list[Json]) -> list[Conflict]:
    """The conflicts among the causes of an answer."""
    found: list[Conflict] = []
    for cause in causes:
        match = _MANAGER.search(text_at(cause, "message"))
        if text_at(cause, "reason") == _CONFLICT and match:
            found.append(Conflict(text_at(cause, "field"), match["manager"]))
    return found
