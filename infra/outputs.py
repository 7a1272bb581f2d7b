"""Outputs of the stack that are more than a name: API keys, the release record, AWS parts."""

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
    """The API keys of clients, where Seawall generated them; with a secret store there are none."""
    if secrets is None:
        return {}
    keys = {name: secrets[api_key_secret(name)] for name in environment.gateway.api_keys}
    return {"api_keys": pulumi.Output.secret(keys)}


def release_record(environment: Environment) -> Outputs:
    """The deployed release and the one to roll back to, for Seawall's own record."""
    release = environment.release
    return {
        "release": {
            "images": environment.images.given,
            "settings_sha256": release.settings_sha256 if release else None,
        },
        "last_good_release": release.last_good if release else None,
    }


def aws_parts(aws: "AwsBuildingBlocks | None") -> Outputs:
    """What other programs need to use the AWS parts: names, addresses, roles."""
    if aws is None:
        return {}
    parts = {
        "bucket": aws.bucket,
        "repository_urls": aws.repository_urls,
        "role_arns": aws.role_arns,
        "security_groups": aws.security_groups,
    }
    return {"aws": parts}
