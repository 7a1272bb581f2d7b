"""Runs AwsBuildingBlocks under Pulumi's mocks, and returns the registered resources as data."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks as runtime_mocks
from pulumi.runtime.proto import resource_pb2

from infra.components.aws.building_blocks import AwsBuildingBlocks, AwsBuildingBlocksArgs
from infra.config.aws import Aws
from infra.resources import Resource

ACCOUNT = "123456789012"
REGION = "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-made-up"
ISSUER = f"oidc.eks.{REGION}.amazonaws.com/id/MADEUP"
OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
CLIENTS = "sg-0123456789abcdef0"

Values = dict[str, Any]


@dataclass(frozen=True)
class Built:
    """The resources that a program registered, and the resolved outputs of the component."""

    resources: tuple[Resource, ...]
    outputs: Values = field(default_factory=dict[str, Any])

    def all(self, kind: str) -> list[Resource]:
        return [
            item for item in self.resources if item.type.startswith("aws:") and item.kind == kind
        ]

    def one(self, kind: str, name: str | None = None) -> Resource:
        found = [item for item in self.all(kind) if name in (None, item.name)]
        assert len(found) == 1, f"{kind} {name}: {[item.name for item in found]}"
        return found[0]

    def document(self, kind: str, name: str, key: str = "policy") -> Values:
        """A policy document as parsed data."""
        return cast("Values", json.loads(self.one(kind, name).inputs[key]))


class AwsMocks(runtime_mocks.MockMonitor):
    """Pulumi mocks of AWS: the outputs are the inputs, an ARN and a repository URL."""

    def __init__(self) -> None:
        super().__init__(_NoCalls())
        self.registered: list[Resource] = []

    def RegisterResource(  # noqa: N802 - Pulumi's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs: Values = json_format.MessageToDict(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self.registered.append(
                Resource(request.type, request.name, inputs, protect=request.protect)
            )
        service = request.type.removeprefix("aws:").partition("/")[0]
        made: dict[str, str] = {}
        if request.type.startswith("aws:"):
            physical = inputs.get("bucket") or inputs.get("name") or request.name
            made = {"arn": f"arn:aws:{service}:::{physical}", "name": physical}
            made["repositoryUrl"] = f"registry.example/{physical}"
        outputs = struct_pb2.Struct()
        outputs.update({**made, **inputs})
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=f"{request.name}-id", object=outputs
        )


class _NoCalls(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, Values]:
        raise AssertionError(f"AwsMocks answers itself, but {args.typ} came here")

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[Values, None]:
        raise AssertionError(f"the components call no function, but called {args.token}")


def complete_settings() -> Values:
    """Settings with every part, as a stack file contains them."""
    return {
        "region": REGION,
        "kms_key_arn": KEY,
        "oidc_provider_arn": OIDC,
        "backup_bucket": {"name": "example-backups", "prefix": "seawall/test"},
        "secrets": {"prefix": "seawall/test/"},
        "registry": {"repositories": ["seawall/gateway", "seawall/redis"]},
        "network": {
            "vpc_id": "vpc-0123456789abcdef0",
            "redis_clients": {"security_groups": [CLIENTS]},
            "edge": {
                "clients": {"blocks": ["192.0.2.0/24"]},
                "nodes": {"security_groups": [CLIENTS], "blocks": ["10.0.0.0/16"]},
            },
        },
    }


def parsed(values: Values) -> Aws:
    """Parse settings like the configuration: through JSON, where lists may become tuples."""
    return Aws.model_validate_json(json.dumps(values))


def built(
    values: Values | None = None,
    *,
    protect: bool = True,
    secret_names: Sequence[str] = ("redis-app-password", "provider-alpha"),
) -> Built:
    """Run the component to its end."""
    args = AwsBuildingBlocksArgs(
        settings=parsed(complete_settings() if values is None else values),
        namespace="seawall",
        secret_names=secret_names,
        secrets_account="seawall-secrets",
        backup_account="seawall-backup",
        protect=protect,
    )
    outputs: Values = {}

    def program() -> None:
        made = AwsBuildingBlocks("aws", args)
        for key in ("bucket", "secret_arns", "repository_urls", "role_arns", "security_groups"):
            pulumi.Output.from_input(getattr(made, key)).apply(
                lambda value, key=key: outputs.update({key: value})
            )

    monitor = AwsMocks()
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        runtime_mocks.set_mocks(_NoCalls(), project="seawall", stack="test", monitor=monitor)
        run = cast("Callable[[], None]", pulumi.runtime.test(program))  # pyright: ignore[reportUnknownMemberType] - untyped
        run()
        asyncio.set_event_loop(None)
    return Built(tuple(monitor.registered), outputs)
