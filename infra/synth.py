"""The resources that the program registers, as plain data, without an engine or a cluster.

Pulumi's mocks replace the engine, and placeholders replace the secrets. All of Pulumi's settings
are context variables, so each run has its own thread, and with it its own context and event loop.
It leaves nothing behind, so an update can follow in the same process.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

import pulumi
from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks as runtime_mocks
from pulumi.runtime.proto import resource_pb2

from infra.parsing import SECRETS_KEY, parse
from infra.program import deploy
from infra.resources import Resource
from infra.secret_names import secret_names

__all__ = ["PLACEHOLDER", "synth"]

PLACEHOLDER = "placeholder-"
"""Beginning of the placeholder for each secret; the secret's name follows."""

_PROJECT = "seawall"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Marks an object of Pulumi's wire format that is not plain data."""
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the value of the mark
"""The value of _SIGNATURE in an object that wraps a secret."""
_SERVICE = "kubernetes:core/v1:Service"
_ADDRESS = "10.0.0.1"
"""The address that the mocks give every Service, because URLs are built from it."""
_CONFIG_MAP = "kubernetes:core/v1:ConfigMap"

_Plain: TypeAlias = dict[str, Any]


def synth(values: Mapping[str, object], *, env: str) -> tuple[Resource, ...]:
    """The resources that the program registers for configuration `values`, in order.

    Components are included.

    Args:
        values: the `config` of a stack file. Placeholders replace the secrets in it.
        env: the stack's name.

    Raises ConfigError, as the program does.
    """
    environment = parse(values)
    config = {key: _text(value) for key, value in values.items() if key != SECRETS_KEY}
    secrets = {name: f"{PLACEHOLDER}{name}" for name in secret_names(environment)}
    if secrets:
        config[SECRETS_KEY] = json.dumps(secrets)
    monitor = _Recorder()
    _in_its_own_context(lambda: _run(config, env, monitor))
    return tuple(monitor.registered)


class _NoCalls(pulumi.runtime.Mocks):
    """The part of Pulumi's mocks that answers with plain data; _Recorder does not use it."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, _Plain]:
        raise AssertionError(f"the recorder answers itself, but {args.typ} came here")

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[_Plain, None]:
        raise AssertionError(f"the program calls no function, but called {args.token}")


class _Recorder(runtime_mocks.MockMonitor):
    """Keeps every registration, and answers with its inputs."""

    def __init__(self) -> None:
        super().__init__(_NoCalls())
        self.registered: list[Resource] = []
        self._lock = threading.Lock()

    # Reads the request as protobuf: Pulumi's own code opens an event loop in every thread.
    def RegisterResource(  # noqa: N802 - Pulumi's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = cast("_Plain", _opened(Value(struct_value=request.object)))
        resource = Resource(
            type=request.type,
            name=request.name,
            inputs=inputs,
            sealed=frozenset(_sealed(request.object)),
            dependencies=tuple(request.dependencies),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
        )
        with self._lock:
            self.registered.append(resource)
        answer = Struct()
        answer.CopyFrom(request.object)
        if request.type == _SERVICE:
            spec = answer.fields["spec"].struct_value
            if "clusterIP" not in spec.fields:
                spec.fields["clusterIP"].string_value = _ADDRESS
        if request.type == _CONFIG_MAP:
            metadata = answer.fields["metadata"].struct_value
            if "name" not in metadata.fields:  # the engine would append some digits
                metadata.fields["name"].string_value = request.name
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=f"{request.name}-id", object=answer
        )


def _run(config: Mapping[str, str], env: str, monitor: _Recorder) -> None:
    runtime_mocks.set_mocks(_NoCalls(), project=_PROJECT, stack=env, monitor=monitor)
    runtime_config.set_all_config(dict(config), [SECRETS_KEY])
    run_to_the_end = cast("Callable[[], None]", pulumi.runtime.test(deploy))  # pyright: ignore[reportUnknownMemberType] - untyped
    run_to_the_end()


def _in_its_own_context(work: Callable[[], None]) -> None:
    """Run `work` in a thread with an event loop, and raise its exceptions in the caller."""
    raised: list[BaseException] = []

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            raised.append(error)
        finally:
            loop.run_until_complete(_ended(loop))
            loop.run_until_complete(loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            loop.close()

    # A new thread begins with an empty context: it neither sees nor changes the caller's settings.
    thread = threading.Thread(target=run, name="synth")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


async def _ended(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks that a program left waiting when it raised."""
    waiting = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _opened(value: Value) -> object:
    """Plain data, with secrets unwrapped and whole numbers as int."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _is_secret(value):
            return _opened(fields["value"])
        return {key: _opened(item) for key, item in fields.items()}
    if kind == "list_value":
        return [_opened(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind is None or kind == "null_value" else getattr(value, kind)


def _sealed(inputs: Struct, above: str = "") -> Iterator[str]:
    for key, item in inputs.fields.items():
        path = f"{above}{key}"
        if _is_secret(item):
            yield path
        elif item.WhichOneof("kind") == "struct_value":
            yield from _sealed(item.struct_value, f"{path}.")


def _is_secret(value: Value) -> bool:
    mark = value.struct_value.fields.get(_SIGNATURE)
    return mark is not None and mark.string_value == _SECRET
