"""What the stand-in does to objects: create, update, read and delete, on plain JSON.

Nothing here waits for an object to become ready: the kit does that itself, since "applied" never
means "works".
"""

import time

from seawall.engine.standin import managers
from seawall.engine.standin.api import ApiError, Cluster
from seawall.engine.standin.drift import imported_inputs, live_inputs, record
from seawall.engine.standin.naming import describe
from seawall.engine.standin.support import Refusal
from seawall.engine.standin.values import Json, JsonObject, get, has_unknowns, text_at

__all__ = ["create", "delete", "preview", "read", "update"]

_POLL_S = 0.1
_ESTABLISH_S = 20.0
"""How long a new custom resource definition, or a kind that one brings, may take to be served."""


def create(cluster: Cluster, inputs: JsonObject, *, upsert: bool) -> JsonObject:
    """Create the object and return its state; an existing one is taken over only with `upsert`."""
    _await_kind(cluster, inputs)
    if not upsert and cluster.get(inputs) is not None:
        raise Refusal(
            f"{describe(inputs)} already exists; import it, delete it, or adopt it with "
            "upsertExistingObjects"
        )
    live = managers.apply(cluster, inputs, dry_run=False)
    return record(_established(cluster, live), inputs)


def update(cluster: Cluster, inputs: JsonObject) -> JsonObject:
    """Bring the object to `inputs` and return its state."""
    return record(managers.apply(cluster, inputs, dry_run=False), inputs)


def preview(cluster: Cluster | None, inputs: JsonObject, *, exists: bool) -> JsonObject:
    """The state as far as it can be told without changing anything.

    The server is asked by a dry run. Where it cannot know (unknown inputs, a namespace or a kind
    that the same update creates, an object that a replacement deletes first) it is the inputs.
    """
    if cluster is None or has_unknowns(inputs):
        return inputs
    try:
        if not exists and cluster.get(inputs) is not None:
            return inputs
        return record(managers.apply(cluster, inputs, dry_run=True), inputs)
    except ApiError as error:
        if error.is_absent:
            return inputs
        raise


def read(
    cluster: Cluster, inputs: JsonObject, state: JsonObject
) -> tuple[JsonObject, JsonObject] | None:
    """The live state and the inputs that would give it, None when the object is gone.

    Empty `inputs` mean an import: they are then made from the live object.
    """
    live = cluster.get(state)
    if live is None:
        return None
    if not inputs:
        made = imported_inputs(live)
        return record(live, made), made
    # The shape of the record stays that of the program's inputs: drift is what moved inside it.
    return record(live, inputs), live_inputs(inputs, state, live)


def delete(cluster: Cluster, state: JsonObject, *, timeout_s: float) -> None:
    """Delete the object and wait until it is gone; an object of the same name stays."""
    uid = text_at(state, "metadata", "uid")
    try:
        cluster.delete(state, uid)
    except ApiError as error:
        if error.is_absent or _is_another(cluster, state, uid):
            return
        raise
    deadline = time.monotonic() + timeout_s
    while not _is_another(cluster, state, uid):
        if time.monotonic() >= deadline:
            raise Refusal(
                f"{describe(state)} is still there after {timeout_s:.0f} s; "
                "look for finalizers in its metadata"
            )
        time.sleep(_POLL_S)


def _is_another(cluster: Cluster, state: JsonObject, uid: str) -> bool:
    live = cluster.get(state)
    return live is None or text_at(live, "metadata", "uid") != uid


def _await_kind(cluster: Cluster, inputs: JsonObject) -> None:
    deadline = time.monotonic() + _ESTABLISH_S
    while True:
        try:
            cluster.kind(inputs)
        except ApiError as error:
            if not error.is_absent or time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return


def _established(cluster: Cluster, live: JsonObject) -> JsonObject:
    if text_at(live, "kind") != "CustomResourceDefinition":
        return live
    deadline = time.monotonic() + _ESTABLISH_S
    while not _has_condition(live, "Established"):
        if time.monotonic() >= deadline:
            raise Refusal(f"{describe(live)} was not established after {_ESTABLISH_S:.0f} s")
        time.sleep(_POLL_S)
        live = cluster.get(live) or live
    return live


def _has_condition(live: JsonObject, kind: str) -> bool:
    conditions: Json = get(live, "status", "conditions")
    return isinstance(conditions, list) and any(
        text_at(item, "type") == kind and text_at(item, "status") == "True" for item in conditions
    )
