"""An image repository in ECR."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws.ecr import (
    LifecyclePolicy,
    Repository,
    RepositoryEncryptionConfigurationArgs,
    RepositoryImageScanningConfigurationArgs,
)

__all__ = ["EcrRepository", "EcrRepositoryArgs"]


@dataclass(frozen=True, slots=True)
class EcrRepositoryArgs:
    """What an EcrRepository needs."""

    repository: str
    untagged_days: int
    """Days after which an image without a tag is removed."""
    kms_key_arn: str | None
    """When None, AES256 with a key of S3. It is immutable: another key creates another
    repository."""
    protect: bool
    """Whether Pulumi refuses to delete the repository."""


class EcrRepository(pulumi.ComponentResource):
    """A repository in which a tag names one image forever, and which scans pushed images."""

    url: pulumi.Output[str]
    """Beginning of the image references; a digest follows."""

    def __init__(
        self, name: str, args: EcrRepositoryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("seawall:aws:EcrRepository", name, None, opts)
        encryption = RepositoryEncryptionConfigurationArgs(
            encryption_type="KMS" if args.kms_key_arn else "AES256", kms_key=args.kms_key_arn
        )
        repository = Repository(
            name,
            name=args.repository,
            encryption_configurations=[encryption],
            image_scanning_configuration=RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            image_tag_mutability="IMMUTABLE",
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        LifecyclePolicy(
            name,
            repository=repository.name,
            policy=json.dumps({"rules": [_remove_untagged(args.untagged_days)]}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = repository.repository_url
        self.register_outputs({"url": self.url})


def _remove_untagged(days: int) -> dict[str, object]:
    return {
        "rulePriority": 1,
        "description": f"Remove images that have had no tag for {days} days",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": days,
        },
        "action": {"type": "expire"},
    }
