"""The bucket for backups: private, encrypted, and with old versions that are kept for a while."""

from dataclasses import dataclass

import pulumi
from pulumi_aws.s3 import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs,
    BucketLifecycleConfigurationRuleArgs,
    BucketLifecycleConfigurationRuleExpirationArgs,
    BucketLifecycleConfigurationRuleFilterArgs,
    BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs,
    BucketOwnershipControls,
    BucketOwnershipControlsRuleArgs,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs,
    BucketServerSideEncryptionConfigurationRuleArgs,
    BucketVersioning,
    BucketVersioningVersioningConfigurationArgs,
)

from infra.components.aws.documents import Statement, document

__all__ = ["BackupBucket", "BackupBucketArgs"]


@dataclass(frozen=True, slots=True)
class BackupBucketArgs:
    """What a BackupBucket needs."""

    bucket: str
    days: int
    """Days after which an object expires; its version is deleted the same number of days later."""
    kms_key_arn: str | None
    """When None, S3 encrypts with AES256 and its own key."""
    protect: bool
    """Whether Pulumi refuses to delete the bucket."""


class BackupBucket(pulumi.ComponentResource):
    """A bucket without public access or requests without TLS, whose objects expire."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:aws:BackupBucket", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        bucket = Bucket(
            name,
            bucket=args.bucket,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.name = bucket.bucket
        self.arn = bucket.arn
        self._keep_private()
        self._encrypt(args.kms_key_arn)
        self._expire(args.days)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _keep_private(self) -> None:
        block = BucketPublicAccessBlock(
            self._name,
            bucket=self.name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        BucketOwnershipControls(
            self._name,
            bucket=self.name,
            rule=BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._child,
        )
        only_tls = Statement(
            "OnlyTls",
            ("s3:*",),
            [self.arn, self.arn.apply(lambda arn: f"{arn}/*")],
            principals={"AWS": "*"},
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        )
        BucketPolicy(
            self._name,
            bucket=self.name,
            policy=document([only_tls]),
            # S3 refuses two concurrent changes of a bucket's access.
            opts=pulumi.ResourceOptions(parent=self, depends_on=block),
        )

    def _encrypt(self, key: str | None) -> None:
        default = BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key
        )
        rule = BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=default,
            # One data key for many objects means fewer requests to KMS, which cost money.
            bucket_key_enabled=True if key else None,
        )
        BucketServerSideEncryptionConfiguration(
            self._name, bucket=self.name, rules=[rule], opts=self._child
        )

    def _expire(self, days: int) -> None:
        versioning = BucketVersioning(
            self._name,
            bucket=self.name,
            versioning_configuration=BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._child,
        )
        rule = BucketLifecycleConfigurationRuleArgs(
            id="expire",
            status="Enabled",
            # Empty: for every object.
            filter=BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=BucketLifecycleConfigurationRuleExpirationArgs(days=days),
            noncurrent_version_expiration=(
                BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=days
                )
            ),
            abort_incomplete_multipart_upload=(
                BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=days
                )
            ),
        )
        BucketLifecycleConfiguration(
            self._name,
            bucket=self.name,
            rules=[rule],
            # S3 accepts rules about old versions only for a bucket with versioning.
            opts=pulumi.ResourceOptions(parent=self, depends_on=versioning),
        )
