"""JSON values, and the wire form in which Pulumi sends them: secrets and unknowns included.

Inside the stand-in a value is plain JSON and the places that are secret travel beside it, as
paths. Nothing here knows Kubernetes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from google.protobuf import json_format, struct_pb2

__all__ = [
    "SIGNATURE",
    "Json",
    "JsonObject",
    "Path",
    "Sealed",
    "get",
    "has_unknowns",
    "object_at",
    "pack",
    "text_at",
    "unpack",
]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]
Path: TypeAlias = tuple[str, ...]

# The markers of Pulumi's wire format (sdk/go/common/resource/sig and plugin/rpc.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key by which a value is marked that is not plain, such as a secret."""
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the wire format's marker of a secret
_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and all that Python sends
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A plain object and the paths in it that are secret.

    A path ends at the outermost list it meets: the API server may reorder a list, so that a secret
    item's position says nothing about its place in the live object.
    """

    value: JsonObject
    paths: frozenset[Path]


def unpack(message: struct_pb2.Struct) -> Sealed:
    """The object in `message`, with numbers that are whole as int."""
    paths: set[Path] = set()
    raw = cast("Json", json_format.MessageToDict(message))
    value = _open(raw, (), paths)
    if not isinstance(value, dict):
        value = {}
    return Sealed(value, frozenset(paths))


def pack(value: JsonObject, secret: Iterable[Path] = ()) -> struct_pb2.Struct:
    """`value` as a message in which whatever exists below the paths of `secret` is secret."""
    message = struct_pb2.Struct()
    closed = _close(value, frozenset(secret))
    json_format.ParseDict(cast("dict[str, object]", closed), message)
    return message


def has_unknowns(value: Json) -> bool:
    """Whether a part of `value` is known only after the update."""
    if isinstance(value, dict):
        return any(has_unknowns(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknowns(item) for item in value)
    return isinstance(value, str) and value in _UNKNOWNS


def get(value: Json, *path: str) -> Json:
    """The value at `path`, None where the path ends early."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def object_at(value: Json, *path: str) -> JsonObject:
    """The object at `path`, an empty one where there is none."""
    found = get(value, *path)
    return found if isinstance(found, dict) else {}


def text_at(value: Json, *path: str) -> str:
    """The string at `path`, an empty one where there is none."""
    found = get(value, *path)
    return found if isinstance(found, str) else ""


def _open(value: Json, here: Path | None, paths: set[Path]) -> Json:
    """Strip markers; `here` is None below a list, whose own path then takes the mark."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == _SECRET:
            if here is not None:
                paths.add(here)
            return _open(value.get("value"), None, set())
        return {
            key: _open(item, None if here is None else (*here, key), paths)
            for key, item in value.items()
        }
    if isinstance(value, list):
        if here is not None and any(_is_marked(item) for item in value):
            paths.add(here)
        return [_open(item, None, paths) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is_marked(value: Json) -> bool:
    return any(True for _ in _marks(value))


def _marks(value: Json) -> Iterator[None]:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == _SECRET:
            yield
        for item in value.values():
            yield from _marks(item)
    elif isinstance(value, list):
        for item in value:
            yield from _marks(item)


def _close(value: Json, paths: frozenset[Path]) -> Json:
    if () in paths:
        return {SIGNATURE: _SECRET, "value": value}
    if not isinstance(value, dict) or not paths:
        return value
    return {
        key: _close(item, frozenset(path[1:] for path in paths if path[0] == key))
        for key, item in value.items()
    }
