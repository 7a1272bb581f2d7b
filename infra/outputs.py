"""The stack's outputs that take more than a name: keys, the release's record, the parts of AWS."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import pulumi

from infra.config import Environment
from infra.secret_names import api_key_secret
from infra.stack_config import Secrets

if TYPE_CHECKING:
    from infra.components.aws.building_blocks import AwsBuildingBlocks

__all__ = ["Outputs", "api_keys", "aws_parts", "release_record"]

Outputs: TypeAlias = Mapping[str, pulumi.Input[object]]


def api_keys(environment: Environment, secrets: Secrets | None) -> Outputs:
    """The client keys, where the kit made them; a secret store hands out its own."""
    if secrets is None:
        return {}
    keys = {name: secrets[api_key_secret(name)] for name in environment.gateway.api_keys}
    return {"api_keys": pulumi.Output.secret(keys)}


def release_record(environment: Environment) -> Outputs:
    """What is deployed, and what to go back to, for the kit's own record."""
    release = environment.release
    return {
        "release": {
            "images": environment.images.given,
            "settings_sha256": release.settings_sha256 if release else None,
        },
        "last_good_release": release.last_good if release else None,
    }


def aws_parts(aws: "AwsBuildingBlocks | None") -> Outputs:
    """What others need to use the parts: names, addresses, roles."""
    if aws is None:
        return {}
    parts = {
        "bucket": aws.bucket,
        "repository_urls": aws.repository_urls,
        "role_arns": aws.role_arns,
        "security_groups": aws.security_groups,
    }
    return {"aws": parts}
