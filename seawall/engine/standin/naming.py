"""Names and ids of Kubernetes objects: automatic names, and `namespace/name` ids."""

import random

from seawall.engine.standin.values import Json, JsonObject, object_at, text_at

__all__ = ["autoname", "describe", "id_of", "is_autonamed", "manifest_of"]

_AUTONAMED = "pulumi.com/autonamed"
_SUFFIX_LENGTH = 8


def autoname(resource: str, seed: bytes, old: JsonObject) -> tuple[str, dict[str, Json]]:
    """A name for a resource whose program gave none, and the annotation that says so.

    An object that was named automatically keeps its name; `seed` comes from the engine, so that a
    preview and the update after it agree.
    """
    kept = text_at(old, "metadata", "name") if is_autonamed(old) else ""
    digits = random.Random(seed)  # noqa: S311 - a name, not a key
    suffix = "".join(digits.choice("0123456789abcdef") for _ in range(_SUFFIX_LENGTH))
    return kept or f"{resource.lower()}-{suffix}", {_AUTONAMED: "true"}


def is_autonamed(manifest: JsonObject) -> bool:
    """Whether the object's name was chosen by `autoname`."""
    return _AUTONAMED in object_at(manifest, "metadata", "annotations")


def id_of(manifest: JsonObject) -> str:
    """`namespace/name`, or `name` for a cluster's own object."""
    name, namespace = (
        text_at(manifest, "metadata", "name"),
        text_at(manifest, "metadata", "namespace"),
    )
    return f"{namespace}/{name}" if namespace else name


def describe(manifest: JsonObject) -> str:
    """How messages call the object: `Deployment gateway/web`."""
    return f"{text_at(manifest, 'kind')} {id_of(manifest)}"


def manifest_of(type_token: str, resource_id: str) -> JsonObject:
    """The least that identifies an object, from a type token and an id: for imports."""
    _, version, kind = type_token.split(":")
    namespace, _, name = resource_id.rpartition("/")
    metadata: JsonObject = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version.removeprefix("core/"), "kind": kind, "metadata": metadata}
