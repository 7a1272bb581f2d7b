"""How each rule about the AWS account is violated, and the rule's message."""

from infra.config.policies import Policies
from tests.infra.policies.changes import Case, drop, equals, opened, put, right, trust
from tests.infra.policies.examples import ACCOUNT, BUCKET, aws

OTHER = "arn:aws:s3:::another"
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}
EVERY_ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::*:root"}}

CASES: dict[str, tuple[Case, ...]] = {
    "security-groups-are-closed-to-the-world": (
        Case(
            put("SecurityGroup redis", "ingress", 0, "cidrBlocks", value=["0.0.0.0/0"]),
            "ingress from 0.0.0.0/0 is open",
        ),
        Case(
            put("SecurityGroup redis", "ingress", 0, "ipv6CidrBlocks", value=["::/0"]), "from ::/0"
        ),
        Case(put("SecurityGroupIngressRule redis", "cidrIpv4", value="128.0.0.0/1"), "128.0.0.0/1"),
        Case(put("SecurityGroupIngressRule redis", "cidrIpv6", value="::/0"), "from ::/0"),
        Case(
            put("SecurityGroupIngressRule redis", "cidrIpv6", value="2000::/8"),
            "from 2000::/8 is open to the world, wider than /16",
        ),
        Case(put("SecurityGroupIngressRule redis", "cidrIpv4", value="8.0.0.0/7"), "than /8"),
        Case(
            lambda stack: stack.add(
                aws("ec2/DefaultSecurityGroup", "x", ingress=[{"cidrBlocks": ["0.0.0.0/0"]}])
            ),
            "0.0.0.0/0",
        ),
        Case(
            lambda stack: stack.add(
                aws("ec2/SecurityGroupRule", "x", type="ingress", cidrBlocks=["0.0.0.0/0"])
            ),
            "0.0.0.0/0",
        ),
    ),
    "buckets-are-private": (
        *(
            Case(put("BucketPublicAccessBlock backups", key, value=False), f"sets {key}")
            for key in (
                *("blockPublicAcls", "blockPublicPolicy"),
                *("ignorePublicAcls", "restrictPublicBuckets"),
            )
        ),
        Case(
            put("BucketOwnershipControls backups", "rule", "objectOwnership", value="ObjectWriter"),
            "object ownership is ['ObjectWriter']",
        ),
        Case(drop("BucketOwnershipControls backups"), "object ownership is []"),
    ),
    "buckets-are-not-opened": (
        Case(put("Bucket backups", "acl", value="public-read"), "acl public-read is public"),
        Case(
            lambda stack: stack.add(aws("s3/BucketAcl", "x", acl="public-read-write")),
            "acl public-read-write is public",
        ),
        Case(
            lambda stack: stack.add(
                aws(
                    "s3/BucketPolicy",
                    "x",
                    policy={"Statement": {"Sid": "All", "Effect": "Allow", "Principal": "*"}},
                )
            ),
            "statement All allows everybody",
        ),
        Case(
            lambda stack: stack.add(aws("s3/BucketPolicy", "x", policy={"Statement": EVERY_ROOT})),
            "statement 1 allows everybody",
        ),
        Case(
            lambda stack: stack.add(aws("s3/BucketPolicy", "x", policy="{")),
            "statement unreadable allows everybody",
        ),
    ),
    "buckets-demand-tls": (
        Case(drop("BucketPolicy backups"), "can be reached without TLS"),
        Case(opened(Condition={}), "can be reached without TLS"),
        Case(opened(Action="s3:PutObject"), "can be reached without TLS"),
        Case(opened(Resource="arn:aws:s3:::backups/*"), "can be reached without TLS"),
        Case(opened(Principal={"AWS": ACCOUNT}), "can be reached without TLS"),
        Case(opened(Resource=[OTHER, f"{OTHER}/*"]), "can be reached without TLS"),
        Case(opened(Resource=[BUCKET, f"{OTHER}/*"]), "can be reached without TLS"),
        Case(
            opened(Condition={**NO_TLS, "StringEquals": {"aws:PrincipalArn": ACCOUNT}}),
            "under no other condition",
        ),
        Case(
            opened(Condition={"Bool": {**NO_TLS["Bool"], "aws:ViaAWSService": "true"}}),
            "under no other condition",
        ),
    ),
    "bucket-versions-are-kept-and-expire": (
        Case(
            put("BucketVersioning backups", "versioningConfiguration", "status", value="Suspended"),
            "versioning is ['Suspended']",
        ),
        Case(
            drop("BucketLifecycleConfiguration backups", "rules", 0, "noncurrentVersionExpiration"),
            "old versions are kept forever",
        ),
        Case(
            drop(
                *("BucketLifecycleConfiguration backups", "rules", 0),
                "abortIncompleteMultipartUpload",
            ),
            "incomplete uploads are kept forever",
        ),
    ),
    "iam-policies-name-actions-and-resources": (
        Case(right(Action="s3:*"), "statement One allows s3:*"),
        Case(right(Action=["s3:GetObject", "s3:Put*"]), "allows s3:Put*"),
        Case(right(Resource="*"), "about resource *"),
        Case(right(Resource="arn:aws:s3:::*"), "about resource arn:aws:s3:::*"),
        *(
            Case(right(Action=action, Resource=target), f"about resource {target}")
            for action, target in (
                ("iam:PassRole", "arn:aws:iam::*:role/*"),
                ("iam:PassRole", "arn:aws:iam::*:role/team/one"),
                ("iam:PassRole", "arn:aws:iam::123456789012:role/*"),
                ("kms:Decrypt", "arn:aws:kms:*:*:key/*"),
                ("kms:Decrypt", "arn:aws:kms:*:123456789012:key/made-up"),
                ("s3:GetObject", "arn:aws:s3:::*/*"),
                ("s3:GetObject", "arn:aws:s3:::**"),
                ("s3:GetObject", "arn:aws:s3:::backups/*"),
                ("s3:GetObject", "arn:aws:s3:::backups/redis/*/*"),
                ("s3:GetObject", "arn:aws:s3:::backup?/redis"),
            )
        ),
        Case(right(Action="s3:GetObjec?"), "allows s3:GetObjec?"),
        Case(right(NotResource="arn:aws:s3:::x"), "uses NotAction, NotResource or NotPrincipal"),
        Case(
            put(
                "Role backup",
                "inlinePolicies",
                value=[
                    {"policy": '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "a"}}'}
                ],
            ),
            "statement 1 allows *",
        ),
        Case(
            put(
                "RolePolicyAttachment own",
                "policyArn",
                value="arn:aws:iam::aws:policy/AdministratorAccess",
            ),
            "AdministratorAccess is managed by AWS",
        ),
        Case(
            put(
                "Role backup", "managedPolicyArns", value=["arn:aws:iam::aws:policy/ReadOnlyAccess"]
            ),
            "ReadOnlyAccess is managed by AWS",
        ),
    ),
    "roles-trust-one-service-account": (
        Case(trust(Principal="*"), "lets everybody assume the role"),
        Case(trust(Principal={"AWS": "arn:aws:iam::*:root"}), "['arn:aws:iam::*:root']"),
        Case(trust(Action="STS:assumerolewithwebidentity", Condition={}), "trusts the subjects []"),
        Case(trust(Action="sts:AssumeRoleWithWebIdentit?", Condition={}), "the audiences []"),
        Case(equals(aud="sts.amazonaws.com"), "trusts the subjects []"),
        Case(
            equals(aud="sts.amazonaws.com", sub="system:serviceaccount:home:*"),
            "trusts the subjects ['system:serviceaccount:home:*']",
        ),
        Case(
            equals(
                aud="sts.amazonaws.com",
                sub=["system:serviceaccount:home:a", "system:serviceaccount:home:b"],
            ),
            "give one system:serviceaccount",
        ),
        Case(equals(sub="system:serviceaccount:home:backup"), "trusts the audiences []"),
    ),
    "data-is-encrypted-at-rest": (
        Case(
            drop("BucketServerSideEncryptionConfiguration backups"),
            "has no BucketServerSideEncryptionConfiguration",
            Policies(customer_keys=False),
        ),
        Case(
            drop("Repository gateway", "encryptionConfigurations"),
            "has no encryptionConfigurations",
            Policies(customer_keys=False),
        ),
        Case(
            put("ReplicationGroup redis", "atRestEncryptionEnabled", value=False),
            "atRestEncryptionEnabled is not true",
        ),
        Case(drop("ReplicationGroup redis", "transitEncryptionEnabled"), "transitEncryption"),
    ),
    "encryption-uses-customer-keys": (
        Case(
            put(
                *("BucketServerSideEncryptionConfiguration backups", "rules", 0),
                "applyServerSideEncryptionByDefault",
                value={"sseAlgorithm": "AES256"},
            ),
            "is not encrypted with a KMS key; set sseAlgorithm",
        ),
        Case(drop("Secret key", "kmsKeyId"), "has no kmsKeyId"),
        Case(drop("ReplicationGroup redis", "kmsKeyId"), "has no kmsKeyId"),
        Case(
            put(
                "Repository gateway",
                "encryptionConfigurations",
                value=[{"encryptionType": "AES256"}],
            ),
            "set encryptionType KMS",
        ),
    ),
    "secret-values-stay-out-of-the-state": (
        Case(
            lambda stack: stack.add(aws("secretsmanager/SecretVersion", "v", secretString="v")),
            "secretString puts the value into the state",
        ),
    ),
    "secrets-can-be-recovered": (
        Case(put("Secret key", "recoveryWindowInDays", value=0), "deletes at once"),
    ),
    "image-repositories-are-immutable-and-scanned": (
        Case(put("Repository gateway", "imageTagMutability", value="MUTABLE"), "'MUTABLE'"),
        Case(
            put("Repository gateway", "imageScanningConfiguration", "scanOnPush", value=False),
            "scanOnPush is not true",
        ),
    ),
}
"""By the rule's name."""
