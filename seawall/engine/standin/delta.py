"""What differs between two versions of a resource's inputs, and whether it needs a replacement.

Pure functions over JSON; the server is not asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from seawall.engine.standin.naming import is_autonamed
from seawall.engine.standin.values import Json, JsonObject, text_at

__all__ = ["Change", "Delta", "changes", "compare"]

# Fields that the API server refuses to change, by kind: a difference means replacement.
_IMMUTABLE: Mapping[str, tuple[str, ...]] = {
    "ClusterRoleBinding": ("roleRef",),
    "CustomResourceDefinition": ("spec.group", "spec.names.kind", "spec.scope"),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "IngressClass": ("spec.controller",),
    "Job": ("spec.completions", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.storageClassName"),
    "Pod": ("spec",),
    "PriorityClass": ("value",),
    "ReplicaSet": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "StorageClass": ("parameters", "provisioner", "reclaimPolicy"),
}
_IDENTITY = ("kind", "metadata.name", "metadata.namespace")
# As the official provider: their data replaces an object that is immutable, and every other one
# unless an option says otherwise.
_DATA = ("binaryData", "data", "stringData")


class Change(Enum):
    """What happened to a field."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Delta:
    """The fields that changed and those among them that force a replacement."""

    fields: Mapping[str, Change]
    replaces: frozenset[str]
    delete_first: bool
    """The new object has the old one's name, so the old one must go first."""

    @property
    def tops(self) -> list[str]:
        """The top-level properties that changed, sorted."""
        return sorted({field.split(".")[0].split("[")[0] for field in self.fields})


def compare(old: JsonObject, new: JsonObject, mutable_kinds: frozenset[str]) -> Delta:
    """The step from `old` to `new` inputs.

    `mutable_kinds` names those of ConfigMap and Secret whose data is changed in place.
    """
    fields = changes(old, new)
    kind = text_at(new, "kind")
    fixed = [*_IDENTITY, *_IMMUTABLE.get(kind, ())]
    fixed_data = any(side.get("immutable") is True for side in (old, new))
    if kind in {"ConfigMap", "Secret"} and (fixed_data or kind not in mutable_kinds):
        fixed.extend(_DATA)
    # Another version of the same group is the same object.
    if _group(old) != _group(new):
        fixed.append("apiVersion")
    replaces = frozenset(field for field in fields if _is_below(field, fixed))
    renamed = any(_is_below(field, ("metadata.name", "metadata.namespace")) for field in replaces)
    delete_first = bool(replaces) and not renamed and not is_autonamed(new)
    return Delta(fields, replaces, delete_first)


def changes(old: Json, new: Json, path: str = "") -> dict[str, Change]:
    """Every leaf that differs, by its path in Pulumi's notation (`spec.ports[0].port`)."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: dict[str, Change] = {}
        for key in sorted({*old, *new}):
            place = _join(path, key)
            if key not in new:
                found[place] = Change.DELETE
            elif key not in old:
                found[place] = Change.ADD
            else:
                found.update(changes(old[key], new[key], place))
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return {
            place: change
            for index, (left, right) in enumerate(zip(old, new, strict=True))
            for place, change in changes(left, right, f"{path}[{index}]").items()
        }
    return {} if old == new else {path: Change.UPDATE}


def _join(path: str, key: str) -> str:
    if "." in key or "/" in key:
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def _is_below(field: str, roots: Iterable[str]) -> bool:
    return any(field == root or field.startswith((f"{root}.", f"{root}[")) for root in roots)


def _group(manifest: JsonObject) -> str:
    group, slash, _ = text_at(manifest, "apiVersion").rpartition("/")
    return group if slash else ""
