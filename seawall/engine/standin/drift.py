"""The recorded state of a live object, and what changed in it behind the program's back.

The API server fills in defaults and rewrites values ("1000m" becomes "1"), so inputs and live
object never compare equal. What is compared is the live object then and now, both cut to the
fields that the inputs talk about; only what moved between the two is drift.
"""

import base64
import binascii
import copy

from seawall.engine.standin.values import Json, JsonObject, Path, Sealed, object_at, text_at

__all__ = ["APPLIED", "imported_inputs", "live_inputs", "record", "secret_paths"]

APPLIED = "__applied"
"""The key under which state keeps the live object cut to the inputs, as of the last apply."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SERVER_OWNED = frozenset(
    {
        "creationTimestamp",
        "finalizers",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def record(live: JsonObject, inputs: JsonObject) -> JsonObject:
    """What state keeps of `live`.

    Left out are the field managers, which are long, and kubectl's copy of the object, in which a
    Secret's data would stand a second time.
    """
    kept = copy.deepcopy(live)
    metadata = object_at(kept, "metadata")
    metadata.pop("managedFields", None)
    object_at(metadata, "annotations").pop(_LAST_APPLIED, None)
    return {**kept, APPLIED: _cut(_view(kept), inputs)}


def _recorded(state: JsonObject, inputs: JsonObject) -> Json:
    """The live object as of the last apply, cut to `inputs`."""
    return state.get(APPLIED) or _cut(_view(state), inputs)


def _drifted(inputs: Json, then: Json, now: Json) -> Json:
    """`inputs` with the values that moved between `then` and `now`."""
    if then == now:
        return inputs
    if isinstance(inputs, dict) and isinstance(then, dict) and isinstance(now, dict):
        return {
            key: _drifted(value, then.get(key), now.get(key))
            for key, value in inputs.items()
            # Gone from the live object, and it was there: the input is gone too.
            if key in now or key not in then
        }
    if (
        isinstance(inputs, list)
        and isinstance(then, list)
        and isinstance(now, list)
        and len(inputs) == len(then) == len(now)
    ):
        return [_drifted(*items) for items in zip(inputs, then, now, strict=True)]
    return now


def live_inputs(inputs: JsonObject, state: JsonObject, live: JsonObject) -> JsonObject:
    """`inputs` as a program would have to write them to get `live`."""
    moved = _drifted(inputs, _recorded(state, inputs), _cut(_view(live), inputs))
    return moved if isinstance(moved, dict) else inputs


def imported_inputs(live: JsonObject) -> JsonObject:
    """The inputs of an object that no program described yet."""
    metadata: JsonObject = {
        key: value for key, value in object_at(live, "metadata").items() if key not in _SERVER_OWNED
    }
    annotations = dict(object_at(metadata, "annotations"))
    annotations.pop(_LAST_APPLIED, None)
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    rest = {key: value for key, value in live.items() if key not in {"metadata", "status"}}
    return {**rest, "metadata": metadata}


def secret_paths(inputs: Sealed) -> frozenset[Path]:
    """Where the recorded state of `inputs` is secret.

    That is wherever the inputs are, and all data of a Secret, however it was given.
    """
    places = set(inputs.paths)
    if text_at(inputs.value, "kind") == "Secret":
        places |= {("data",), ("stringData",)}
    return frozenset({*places, *((APPLIED, *place) for place in places)})


def _view(live: JsonObject) -> JsonObject:
    """`live` with a Secret's data also under stringData, which the server never returns."""
    if text_at(live, "kind") != "Secret":
        return live
    texts: JsonObject = {}
    for key, value in object_at(live, "data").items():
        try:
            texts[key] = base64.b64decode(str(value), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return {**live, "stringData": texts}


def _cut(live: Json, shape: Json) -> Json:
    """The part of `live` that `shape` talks about; items beyond the shape's list are kept whole."""
    if isinstance(shape, dict) and isinstance(live, dict):
        return {key: _cut(live[key], part) for key, part in shape.items() if key in live}
    if isinstance(shape, list) and isinstance(live, list):
        return [
            _cut(item, shape[index] if index < len(shape) else item)
            for index, item in enumerate(live)
        ]
    return live
