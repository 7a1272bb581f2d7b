"""Who may assume which IAM role, and what the role may do."""

import pytest

from tests.infra.aws_programs import (
    ISSUER,
    KEY,
    OIDC,
    Built,
    built,
    complete_settings,
)

BUCKET = "arn:aws:s3:::example-backups"


@pytest.fixture(scope="module")
def blocks() -> Built:
    return built()


@pytest.mark.parametrize("account", ["seawall-backup", "seawall-secrets"])
def test_iam_role_trusts_exactly_one_service_account(blocks: Built, account: str) -> None:
    trust = blocks.document("Role", f"aws-{account}", "assumeRolePolicy")
    assert trust == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OneServiceAccount",
                "Effect": "Allow",
                "Principal": {"Federated": OIDC},
                "Action": ["sts:AssumeRoleWithWebIdentity"],
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        f"{ISSUER}:sub": f"system:serviceaccount:seawall:{account}",
                    }
                },
            }
        ],
    }


def test_backup_role_may_only_use_its_bucket_prefix(blocks: Built) -> None:
    document = blocks.document("RolePolicy", "aws-seawall-backup")
    assert document["Statement"] == [
        {
            "Sid": "UseObjects",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            "Resource": [f"{BUCKET}/seawall/test/*"],
        },
        {
            "Sid": "ListObjects",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [BUCKET],
            "Condition": {"StringLike": {"s3:prefix": "seawall/test/*"}},
        },
        {
            "Sid": "UseKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": [KEY],
        },
    ]


def test_secrets_role_may_only_read_the_listed_secrets(blocks: Built) -> None:
    document = blocks.document("RolePolicy", "aws-seawall-secrets")
    arns = [
        f"arn:aws:secretsmanager:::seawall/test/{name}"
        for name in ("redis-app-password", "provider-alpha")
    ]
    assert document["Statement"] == [
        {
            "Sid": "ReadSecrets",
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": arns,
        },
        {"Sid": "UseKey", "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY]},
    ]


def test_no_roles_are_created_without_an_oidc_provider() -> None:
    values = complete_settings()
    del values["oidc_provider_arn"]
    made = built(values)
    assert (made.all("Role"), made.all("RolePolicy")) == ([], [])
    assert made.outputs["role_arns"] == {}


def test_no_secrets_role_is_created_without_secrets() -> None:
    made = built(secret_names=())
    assert [role.name for role in made.all("Role")] == ["aws-seawall-backup"]
