"""Rules about S3 buckets, whose settings are resources beside them."""

from collections.abc import Iterator, Sequence

from infra.policies.documents import Statement, statements
from infra.policies.reading import NotYetKnown, at, sequence, text
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES", "companions", "is_bucket"]

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS = ("authenticated-read", "public-read", "public-read-write")


def is_bucket(resource: Resource) -> bool:
    """Whether it is the bucket itself."""
    return resource.type in ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")


def companions(bucket: Resource, stack: Sequence[Resource], kind: str) -> list[Resource]:
    """The resources of `kind` (V2 too) for the bucket; raises NotYetKnown for a preview."""
    name = text(bucket.inputs, "bucket")
    found: list[Resource] = []
    unknown = False
    for item in stack:
        if item.type.startswith("aws:s3/") and item.kind.removesuffix("V2") == kind:
            try:
                if text(item.inputs, "bucket") == name:
                    found.append(item)
            except NotYetKnown:
                unknown = True
    if unknown and not found:
        raise NotYetKnown
    return found


def buckets_are_private(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """All four public access blocks, and no access lists at all."""
    if not is_bucket(resource):
        return
    blocks = companions(resource, stack, "BucketPublicAccessBlock")
    for key in _BLOCKS:
        if not any(at(block.inputs, key) is True for block in blocks):
            yield f"no BucketPublicAccessBlock sets {key}; set all four to true"
    owners = companions(resource, stack, "BucketOwnershipControls")
    rules = [text(item.inputs, "rule", "objectOwnership") for item in owners]
    if rules != ["BucketOwnerEnforced"]:
        yield f"object ownership is {rules}; enforce it with BucketOwnerEnforced, so no ACL counts"


def buckets_are_not_opened(resource: Resource) -> Iterator[str]:
    """No access list and no policy lets everybody in."""
    if is_bucket(resource) or resource.type.startswith("aws:s3/bucketAcl"):
        acl = text(resource.inputs, "acl")
        if acl in _PUBLIC_ACLS:
            yield f"acl {acl} is public; remove it"
    # A bucket may also hold its policy itself, in a deprecated way.
    if is_bucket(resource) or resource.type == "aws:s3/bucketPolicy:BucketPolicy":
        for statement in statements(at(resource.inputs, "policy")):
            if statement.allows and ("*" in statement.principals or statement.inverted):
                yield f"statement {statement.label} allows everybody; name the principals"


def buckets_demand_tls(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """The bucket's policy denies everything that comes without TLS."""
    if not is_bucket(resource):
        return
    policies = companions(resource, stack, "BucketPolicy")
    documents = [statements(at(policy.inputs, "policy")) for policy in policies]
    if not any(_denies_plain(statement) for found in documents for statement in found):
        yield (
            "can be reached without TLS; add a policy that denies s3:* to everybody on the bucket"
            " and its objects where aws:SecureTransport is false"
        )


def bucket_versions_are_kept_and_expire(
    resource: Resource, stack: Sequence[Resource]
) -> Iterator[str]:
    """What is overwritten or deleted can be brought back for a while, and then is gone."""
    if not is_bucket(resource):
        return
    versioning = companions(resource, stack, "BucketVersioning")
    states = [text(item.inputs, "versioningConfiguration", "status") for item in versioning]
    if states != ["Enabled"]:
        yield f"versioning is {states}; enable it"
    lifecycles = companions(resource, stack, "BucketLifecycleConfiguration")
    rules = [rule for item in lifecycles for rule in sequence(item.inputs, "rules")]
    active = [rule for rule in rules if text(rule, "status") == "Enabled"]
    if not any(at(rule, "noncurrentVersionExpiration", "noncurrentDays") for rule in active):
        yield "old versions are kept for ever; add a lifecycle rule with noncurrentDays"
    if not any(at(rule, "abortIncompleteMultipartUpload") for rule in active):
        yield "broken uploads are kept for ever; add abortIncompleteMultipartUpload to a rule"


def _denies_plain(statement: Statement) -> bool:
    objects = [target for target in statement.resources if target.endswith("/*")]
    return (
        not statement.allows
        and "*" in statement.principals
        and "s3:*" in statement.actions
        and [*statement.condition("Bool", "aws:SecureTransport")] == ["false"]
        and 0 < len(objects) < len(statement.resources)
    )


RULES: tuple[Rule, ...] = (
    StackRule(
        "buckets-are-private",
        "Buckets block public access in all four ways and enforce their owner.",
        buckets_are_private,
    ),
    ResourceRule(
        "buckets-are-not-opened",
        "No access list and no policy opens a bucket to everybody.",
        buckets_are_not_opened,
    ),
    StackRule("buckets-demand-tls", "Buckets refuse requests without TLS.", buckets_demand_tls),
    StackRule(
        "bucket-versions-are-kept-and-expire",
        "Buckets keep old versions for a while, and neither these nor broken uploads for ever.",
        bucket_versions_are_kept_and_expire,
    ),
)
