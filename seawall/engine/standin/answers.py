"""Answers of the provider protocol, made from this package's own values."""

from collections.abc import Generator
from contextlib import contextmanager

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from seawall.engine.standin.api import ApiError
from seawall.engine.standin.delta import Change, Delta
from seawall.engine.standin.drift import secret_paths
from seawall.engine.standin.naming import describe
from seawall.engine.standin.support import NAME, Refusal
from seawall.engine.standin.values import JsonObject, Sealed, get, pack, text_at

__all__ = ["check_failure", "diff_response", "reported", "state_message"]

_KINDS = {
    (Change.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Change.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Change.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Change.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Change.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Change.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def diff_response(delta: Delta) -> provider_pb2.DiffResponse:
    """`delta` in the protocol's words."""
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if delta.fields else response.DIFF_NONE,
        replaces=sorted(delta.replaces),
        diffs=delta.tops,
        detailedDiff={
            field: provider_pb2.PropertyDiff(
                kind=_KINDS[change, field in delta.replaces], inputDiff=True
            )
            for field, change in delta.fields.items()
        },
        hasDetailedDiff=True,
        deleteBeforeReplace=delta.delete_first,
    )


def check_failure(inputs: struct_pb2.Struct, refusal: Refusal) -> provider_pb2.CheckResponse:
    """A failed check, with the refusal as its reason."""
    failure = provider_pb2.CheckFailure(reason=str(refusal))
    return provider_pb2.CheckResponse(inputs=inputs, failures=[failure])


def state_message(state: JsonObject, inputs: Sealed) -> struct_pb2.Struct:
    """The state of an object as a message in which its secrets are secret."""
    return pack(state, secret_paths(inputs))


@contextmanager
def reported(context: grpc.ServicerContext, manifest: JsonObject | None = None) -> Generator[None]:
    """Turn a failure into the call's error: one line that names the object."""
    try:
        yield
    except Refusal as refusal:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))
    except ApiError as error:
        place = f"{describe(manifest)}: " if manifest else ""
        text = _message(error, manifest or {})
        context.abort(grpc.StatusCode.UNKNOWN, f"{NAME}: {place}HTTP {error.status}: {text}")


def _message(error: ApiError, manifest: JsonObject) -> str:
    if text_at(manifest, "kind") != "Secret":
        return str(error)
    # The API server quotes the offending value, which here is a secret.
    fields = sorted({text_at(cause, "field") for cause in error.causes if get(cause, "field")})
    return f"{error.reason} {', '.join(fields)}".strip()
