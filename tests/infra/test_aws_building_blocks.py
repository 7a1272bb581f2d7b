"""The resources that are created in an AWS account."""

import pytest

from infra.config.policies import Policies
from infra.policies import check
from tests.infra.aws_programs import (
    CLIENTS,
    KEY,
    REGION,
    Built,
    Values,
    built,
    complete_settings,
)

BUCKET = "arn:aws:s3:::example-backups"
COMPANIONS = (
    "BucketLifecycleConfiguration",
    "BucketOwnershipControls",
    "BucketPolicy",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
)


@pytest.fixture(scope="module")
def blocks() -> Built:
    return built()


def test_aws_components_have_seawall_type_tokens(blocks: Built) -> None:
    own = {item.type for item in blocks.resources if item.type.startswith("seawall:")}
    assert own == {
        "seawall:aws:AwsBuildingBlocks",
        "seawall:aws:BackupBucket",
        "seawall:aws:EcrRepository",
        "seawall:aws:GuardedGroup",
        "seawall:aws:Secrets",
        "seawall:aws:ServiceAccountRole",
    }


def test_only_configured_aws_resources_are_created() -> None:
    made = built({"region": REGION})
    assert [item.type for item in made.resources if item.type.startswith("aws:")] == []
    assert made.outputs == {
        "bucket": None,
        "secret_arns": {},
        "repository_urls": {},
        "role_arns": {},
        "security_groups": {},
    }


def test_aws_provider_uses_the_configured_region(blocks: Built) -> None:
    (provider,) = [item for item in blocks.resources if item.type == "pulumi:providers:aws"]
    assert provider.inputs["region"] == REGION


def test_all_bucket_resources_refer_to_the_bucket(blocks: Built) -> None:
    assert blocks.one("Bucket").inputs == {"bucket": "example-backups"}
    for kind in COMPANIONS:
        assert blocks.one(kind).inputs["bucket"] == "example-backups", kind


def test_bucket_blocks_public_access(blocks: Built) -> None:
    block = dict(blocks.one("BucketPublicAccessBlock").inputs)
    del block["bucket"]
    assert block == {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    owner = blocks.one("BucketOwnershipControls").inputs["rule"]
    assert owner == {"objectOwnership": "BucketOwnerEnforced"}


def test_the_bucket_refuses_requests_without_tls(blocks: Built) -> None:
    document = blocks.document("BucketPolicy", "aws-backups")
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": ["s3:*"],
                "Resource": [BUCKET, f"{BUCKET}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


@pytest.mark.parametrize(("days", "expected"), [({}, 7), ({"days": 30}, 30)])
def test_bucket_objects_and_versions_expire(days: Values, expected: int) -> None:
    values = complete_settings()
    values["backup_bucket"].update(days)
    made = built(values)
    versioning = made.one("BucketVersioning").inputs["versioningConfiguration"]
    assert versioning == {"status": "Enabled"}
    (rule,) = made.one("BucketLifecycleConfiguration").inputs["rules"]
    assert rule == {
        "id": "expire",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"days": expected},
        "noncurrentVersionExpiration": {"noncurrentDays": expected},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": expected},
    }


def test_configured_kms_key_encrypts_all_stored_data(blocks: Built) -> None:
    (rule,) = blocks.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule == {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
        "bucketKeyEnabled": True,
    }
    assert [secret.inputs["kmsKeyId"] for secret in blocks.all("Secret")] == [KEY, KEY]
    for repository in blocks.all("Repository"):
        expected = [{"encryptionType": "KMS", "kmsKey": KEY}]
        assert repository.inputs["encryptionConfigurations"] == expected


def test_default_aws_encryption_is_used_without_a_kms_key() -> None:
    values = complete_settings()
    del values["kms_key_arn"]
    made = built(values)
    (rule,) = made.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    assert all("kmsKeyId" not in secret.inputs for secret in made.all("Secret"))
    for repository in made.all("Repository"):
        assert repository.inputs["encryptionConfigurations"] == [{"encryptionType": "AES256"}]
    assert check(made.resources, Policies(customer_keys=False)) == []
    refused = {found.rule for found in check(made.resources, Policies())}
    assert refused == {"encryption-uses-customer-keys"}


def test_secrets_have_names_and_no_values(blocks: Built) -> None:
    names = [secret.inputs["name"] for secret in blocks.all("Secret")]
    assert names == ["seawall/test/redis-app-password", "seawall/test/provider-alpha"]
    assert all(secret.inputs["recoveryWindowInDays"] == 30 for secret in blocks.all("Secret"))
    assert blocks.all("SecretVersion") == []


def test_managed_redis_group_allows_client_ingress_and_no_egress(blocks: Built) -> None:
    rules = [item for item in blocks.all("SecurityGroupIngressRule") if "redis" in item.name]
    assert [rule.inputs for rule in rules] == [
        {
            "securityGroupId": "aws-redis-id",
            "ipProtocol": "tcp",
            "fromPort": 6379,
            "toPort": 6379,
            "referencedSecurityGroupId": CLIENTS,
        }
    ]
    assert not any("redis" in item.name for item in blocks.all("SecurityGroupEgressRule"))


def test_edge_group_allows_clients_in_and_gateway_ports_out(blocks: Built) -> None:
    rules = [item for item in blocks.all("SecurityGroupIngressRule") if "entrance" in item.name]
    assert [(rule.inputs["fromPort"], rule.inputs["cidrIpv4"]) for rule in rules] == [
        (443, "192.0.2.0/24")
    ]
    out = [item.inputs for item in blocks.all("SecurityGroupEgressRule")]
    ends = [
        (
            rule["fromPort"],
            rule["toPort"],
            rule.get("referencedSecurityGroupId", rule.get("cidrIpv4")),
        )
        for rule in out
    ]
    assert ends == [
        (8080, 8080, CLIENTS),
        (8080, 8080, "10.0.0.0/16"),
        (8081, 8081, CLIENTS),
        (8081, 8081, "10.0.0.0/16"),
    ]


def test_security_groups_have_no_inline_rules(blocks: Built) -> None:
    # Inline rules and separate rule resources overwrite each other.
    for group in blocks.all("SecurityGroup"):
        assert set(group.inputs) == {"description", "vpcId"}


def test_repository_tags_are_immutable_and_scanned(blocks: Built) -> None:
    names = [repository.inputs["name"] for repository in blocks.all("Repository")]
    assert names == ["seawall/gateway", "seawall/redis"]
    for repository in blocks.all("Repository"):
        assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
        assert repository.inputs["imageScanningConfiguration"] == {"scanOnPush": True}


def test_untagged_images_expire(blocks: Built) -> None:
    (rule,) = blocks.document("LifecyclePolicy", "aws-seawall-gateway")["rules"]
    assert rule["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    }
    assert rule["action"] == {"type": "expire"}


@pytest.mark.parametrize("protect", [True, False])
def test_stateful_aws_resources_follow_the_protect_setting(*, protect: bool) -> None:
    made = built(protect=protect)
    stateful = [*made.all("Bucket"), *made.all("Secret"), *made.all("Repository")]
    assert len(stateful) == 5
    assert {item.protect for item in stateful} == {protect}
    others = [item for item in made.resources if item not in stateful]
    assert not any(item.protect for item in others)


def test_outputs_name_the_created_resources(blocks: Built) -> None:
    assert blocks.outputs == {
        "bucket": "example-backups",
        "secret_arns": {
            name: f"arn:aws:secretsmanager:::seawall/test/{name}"
            for name in ("redis-app-password", "provider-alpha")
        },
        "repository_urls": {
            name: f"registry.example/{name}" for name in ("seawall/gateway", "seawall/redis")
        },
        "role_arns": {
            account: f"arn:aws:iam:::aws-{account}"
            for account in ("seawall-backup", "seawall-secrets")
        },
        "security_groups": {"redis": "aws-redis-id", "entrance": "aws-entrance-id"},
    }
