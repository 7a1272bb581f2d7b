"""The building blocks violate no policy, and policies notice each removed safeguard."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from infra.config.policies import Policies
from infra.policies import check
from infra.resources import Resource
from tests.infra.aws_programs import (
    KEY,
    Built,
    built,
)


@pytest.fixture(scope="module")
def blocks() -> Built:
    return built()


def test_aws_building_blocks_violate_no_policy(blocks: Built) -> None:
    assert [str(found) for found in check(blocks.resources, Policies())] == []


def _without(kind: str) -> Callable[[Resource], Resource | None]:
    return lambda item: None if item.kind == kind else item


def _with(kind: str, **inputs: object) -> Callable[[Resource], Resource | None]:
    def change(item: Resource) -> Resource:
        if item.kind != kind or not item.type.startswith("aws:"):
            return item
        values: Mapping[str, Any] = {**copy.deepcopy(dict(item.inputs)), **inputs}
        return replace(item, inputs=values)

    return change


def _text(kind: str, key: str, old: str, new: str) -> Callable[[Resource], Resource | None]:
    def change(item: Resource) -> Resource:
        if item.kind != kind or old not in item.inputs[key]:
            return item
        return replace(item, inputs={**item.inputs, key: item.inputs[key].replace(old, new)})

    return change


def _unprotected(item: Resource) -> Resource:
    return replace(item, protect=False)


SUBJECT = "system:serviceaccount:seawall:seawall-backup"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_without("BucketPublicAccessBlock"), "buckets-are-private"),
        (_with("BucketPublicAccessBlock", blockPublicPolicy=False), "buckets-are-private"),
        (_without("BucketOwnershipControls"), "buckets-are-private"),
        (_with("Bucket", acl="public-read"), "buckets-are-not-opened"),
        (_text("BucketPolicy", "policy", '"Deny"', '"Allow"'), "buckets-are-not-opened"),
        (_without("BucketPolicy"), "buckets-demand-tls"),
        (_text("BucketPolicy", "policy", '"false"', '"true"'), "buckets-demand-tls"),
        (_without("BucketVersioning"), "bucket-versions-are-kept-and-expire"),
        (_with("BucketLifecycleConfiguration", rules=[]), "bucket-versions-are-kept-and-expire"),
        (_without("BucketServerSideEncryptionConfiguration"), "data-is-encrypted-at-rest"),
        (_with("Repository", encryptionConfigurations=[]), "data-is-encrypted-at-rest"),
        (_with("Secret", kmsKeyId=None), "encryption-uses-customer-keys"),
        (_with("Secret", recoveryWindowInDays=0), "secrets-can-be-recovered"),
        (
            _text("Role", "assumeRolePolicy", SUBJECT, "system:serviceaccount:seawall:*"),
            "roles-trust-one-service-account",
        ),
        (
            _text("Role", "assumeRolePolicy", "StringEquals", "StringLike"),
            "roles-trust-one-service-account",
        ),
        (
            _text("Role", "assumeRolePolicy", '"sts.amazonaws.com"', '"another"'),
            "roles-trust-one-service-account",
        ),
        (
            _text("RolePolicy", "policy", "s3:PutObject", "s3:*"),
            "iam-policies-name-actions-and-resources",
        ),
        (_text("RolePolicy", "policy", KEY, "*"), "iam-policies-name-actions-and-resources"),
        (
            _with("SecurityGroupIngressRule", cidrIpv4="0.0.0.0/0"),
            "security-groups-are-closed-to-the-world",
        ),
        (
            _with("Repository", imageTagMutability="MUTABLE"),
            "image-repositories-are-immutable-and-scanned",
        ),
        (
            _with("Repository", imageScanningConfiguration={"scanOnPush": False}),
            "image-repositories-are-immutable-and-scanned",
        ),
        (_unprotected, "stateful-resources-are-protected"),
    ],
)
def test_policies_find_each_removed_safeguard(
    blocks: Built, change: Callable[[Resource], Resource | None], rule: str
) -> None:
    changed = [changed for item in blocks.resources if (changed := change(item))]
    assert changed != list(blocks.resources), "the change did not apply"
    assert rule in {found.rule for found in check(changed, Policies())}


def test_secret_version_in_the_program_is_a_violation(blocks: Built) -> None:
    version = Resource(
        "aws:secretsmanager/secretVersion:SecretVersion", "v", {"secretString": "made-up"}
    )
    found = check([*blocks.resources, version], Policies())
    assert [violation.rule for violation in found] == ["secret-values-stay-out-of-the-state"]
