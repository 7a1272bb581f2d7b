"""The objects that one resource declares: a patch counts as its kind, a list as its items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from infra.resources import Resource

__all__ = ["unfolded"]

_PROVIDER = "kubernetes:"
_PATCH = "Patch"
_LIST = "List"


def unfolded(resource: Resource) -> Iterator[Resource]:
    """The resource itself, or the objects in it without those that a preview does not know."""
    if not resource.type.startswith(_PROVIDER):
        yield resource
        return
    token = resource.type.removesuffix(_PATCH)
    items = resource.inputs.get("items")
    if not token.endswith(_LIST) or not isinstance(items, Sequence) or isinstance(items, str):
        yield resource if token == resource.type else replace(resource, type=token)
        return
    for place, item in enumerate(cast("Sequence[object]", items)):
        if isinstance(item, Mapping):
            yield from unfolded(_item(resource, token, place, cast("Mapping[str, object]", item)))


def _item(of: Resource, token: str, place: int, values: Mapping[str, object]) -> Resource:
    module, _, kind = token.rpartition(":")
    own = values.get("kind")
    # In a list without its own kind, each item has a kind.
    kind = kind.removesuffix(_LIST) or (own if isinstance(own, str) else "Unknown")
    metadata = values.get("metadata")
    name = (
        cast("Mapping[str, object]", metadata).get("name")
        if isinstance(metadata, Mapping)
        else None
    )
    return replace(
        of,
        type=f"{module}:{kind}",
        name=name if isinstance(name, str) else f"{of.name}[{place}]",
        inputs=values,
        sealed=_sealed(of.sealed, place, values),
    )


def _sealed(paths: frozenset[str], place: int, values: Mapping[str, object]) -> frozenset[str]:
    """The paths of the secrets in an item, relative to the item."""
    within = f"items.{place}"
    if "items" in paths or within in paths:
        return frozenset(values)
    return frozenset(
        path.removeprefix(f"{within}.") for path in paths if path.startswith(f"{within}.")
    )
