"""The `aws` section: malformed values and values that open access are refused."""

import copy

import pytest
from pydantic import ValidationError

from tests.infra.aws_programs import Values, complete_settings, parsed


def changed(path: str, value: object) -> Values:
    values = copy.deepcopy(complete_settings())
    *steps, last = path.split(".")
    place = values
    for step in steps:
        place = place[step]
    place[last] = value
    return values


def test_complete_aws_settings_are_accepted() -> None:
    settings = parsed(complete_settings())
    assert settings.backup_bucket is not None
    assert settings.backup_bucket.days == 7
    assert settings.secrets is not None
    assert settings.secrets.recovery_days == 30


def test_region_is_the_only_required_aws_setting() -> None:
    assert parsed({"region": "eu-west-1"}).network is None
    with pytest.raises(ValidationError, match="region"):
        parsed({})


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("region", "Frankfurt", "must be a region"),
        ("kms_key_arn", "alias/seawall", "must be the ARN of a KMS key"),
        ("kms_key_arn", "arn:aws:kms:eu-west-1:12345:key/a", "must be the ARN of a KMS key"),
        ("kms_key_arn", "arn:aws:kms:eu-west-1:123456789012:alias/a", "ARN of a KMS key"),
        ("oidc_provider_arn", "https://oidc.example", "must be the ARN of an OIDC provider"),
        ("oidc_provider_arn", "arn:aws:iam::123456789012:role/x", "ARN of an OIDC provider"),
        ("oidc_provider_arn", "arn:aws:iam::123456789012:oidc-provider/", "ARN of an OIDC"),
        ("backup_bucket.name", "Example_Backups", "must be a bucket's name"),
        ("backup_bucket.prefix", "/seawall/", "must be a path"),
        ("backup_bucket.prefix", "*", "must be a path"),
        ("backup_bucket.days", 0, "greater than or equal to 1"),
        ("backup_bucket.days", "7", "valid integer"),
        ("secrets.prefix", "", "must be the beginning of a name"),
        ("secrets.recovery_days", 0, "greater than or equal to 7"),
        ("secrets.recovery_days", 31, "less than or equal to 30"),
        ("registry.repositories", [], "at least 1 item"),
        ("registry.repositories", ["Seawall"], "must be a repository's name"),
        ("registry.untagged_days", 0, "greater than or equal to 1"),
        ("network.vpc_id", "default", "must be a VPC's id"),
        ("network.redis_clients", {}, "security_groups and blocks are both empty"),
        ("network.redis_clients", {"security_groups": ["default"]}, "security group's id"),
        ("network.redis_clients", {"blocks": ["10.0.0.1"]}, "must be an IPv4 block"),
        ("network.edge.clients", {"blocks": ["0.0.0.0/0"]}, "which is wider than /8"),
        ("network.edge.clients", {"blocks": ["128.0.0.0/1"]}, "which is wider than /8"),
        ("network.edge.nodes", {"blocks": ["0.0.0.0/0"]}, "which is wider than /8"),
        ("account", "123456789012", "Extra inputs are not permitted"),
    ],
)
def test_invalid_aws_setting_is_refused(path: str, value: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        parsed(changed(path, value))
