"""Completing a program's manifest before it is compared or applied: its name and namespace."""

from seawall.engine.standin.api import ApiError, Cluster
from seawall.engine.standin.naming import autoname
from seawall.engine.standin.values import (
    JsonObject,
    Sealed,
    get,
    has_unknowns,
    object_at,
    text_at,
)

__all__ = ["complete"]

_SECRET_DATA = frozenset({("data",), ("stringData",)})


def complete(
    news: Sealed, *, old: JsonObject, resource: str, seed: bytes, cluster: Cluster | None
) -> Sealed:
    """`news` with a name and, for a namespaced kind, a namespace.

    All data of a Secret becomes secret, also where the program forgot to say so.
    """
    manifest = dict(news.value)
    paths = news.paths
    if text_at(manifest, "kind") == "Secret":
        paths |= {path for path in _SECRET_DATA if path[0] in manifest}
    # Whole metadata that is not known yet cannot be completed; the update checks again.
    if isinstance(get(manifest, "metadata"), str):
        return Sealed(manifest, paths)
    metadata = dict(object_at(manifest, "metadata"))
    if not text_at(metadata, "name"):
        metadata["name"], mark = autoname(resource, seed, old)
        metadata["annotations"] = {**object_at(metadata, "annotations"), **mark}
    if not text_at(metadata, "namespace") and _is_namespaced(manifest, cluster):
        metadata["namespace"] = cluster.namespace if cluster else "default"
    manifest["metadata"] = metadata
    return Sealed(manifest, paths)


def _is_namespaced(manifest: JsonObject, cluster: Cluster | None) -> bool:
    if cluster is None or has_unknowns([manifest.get("apiVersion"), manifest.get("kind")]):
        return False
    try:
        return cluster.kind(manifest).namespaced
    except ApiError as error:
        # A kind that the same update brings: the namespace is then the program's to give.
        if error.is_absent:
            return False
        raise
