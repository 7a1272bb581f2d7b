"""Rules about S3 buckets, whose settings are separate resources."""

from collections.abc import Iterator, Sequence

from infra.policies.documents import Statement, statements
from infra.policies.inputs import NotYetKnown, at, mapping, sequence, text
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES", "companions", "is_bucket"]

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_NO_ARN_YET = "None"
"""Python's text for an ARN that is not known yet; no ARN begins like this."""
_PUBLIC_ACLS = ("authenticated-read", "public-read", "public-read-write")


def is_bucket(resource: Resource) -> bool:
    """Whether the resource is the bucket itself."""
    return resource.type in ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")


def companions(bucket: Resource, stack: Sequence[Resource], kind: str) -> list[Resource]:
    """The resources of `kind`, V2 included, that configure the bucket; raises NotYetKnown."""
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
    """All four public access blocks are set, and access control lists have no effect."""
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
    """No access control list and no policy gives everybody access."""
    if is_bucket(resource) or resource.type.startswith("aws:s3/bucketAcl"):
        acl = text(resource.inputs, "acl")
        if acl in _PUBLIC_ACLS:
            yield f"acl {acl} is public; remove it"
    # A bucket may also contain its policy, which is deprecated.
    if is_bucket(resource) or resource.type == "aws:s3/bucketPolicy:BucketPolicy":
        for statement in statements(at(resource.inputs, "policy")):
            if statement.allows and (statement.wide_principals or statement.inverted):
                yield f"statement {statement.label} allows everybody; name the principals"


def buckets_demand_tls(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """The bucket's policy denies all requests without TLS."""
    if not is_bucket(resource):
        return
    policies = companions(resource, stack, "BucketPolicy")
    documents = [statements(at(policy.inputs, "policy")) for policy in policies]
    name = text(resource.inputs, "bucket")
    if not any(_denies_plain(statement, name) for found in documents for statement in found):
        yield (
            "can be reached without TLS; add a policy that denies s3:* to everybody on the bucket"
            " and its objects where aws:SecureTransport is false, and under no other condition"
        )


def bucket_versions_are_kept_and_expire(
    resource: Resource, stack: Sequence[Resource]
) -> Iterator[str]:
    """Overwritten and deleted objects can be restored for a while, and are then removed."""
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
        yield "old versions are kept forever; add a lifecycle rule with noncurrentDays"
    if not any(at(rule, "abortIncompleteMultipartUpload") for rule in active):
        yield "incomplete uploads are kept forever; add abortIncompleteMultipartUpload to a rule"


def _denies_plain(statement: Statement, bucket: str) -> bool:
    return (
        not statement.allows
        and "*" in statement.principals
        and "s3:*" in statement.operations
        and _is_only_about_tls(statement)
        and _covers(statement.resources, bucket)
    )


def _is_only_about_tls(statement: Statement) -> bool:
    """Whether TLS is the only condition: each further one would exempt some requests."""
    keys = [
        (kind, key) for kind in statement.conditions for key in mapping(statement.conditions, kind)
    ]
    if [(kind, key.lower()) for kind, key in keys] != [("Bool", "aws:securetransport")]:
        return False
    return [value.lower() for value in statement.condition(*keys[0])] == ["false"]


def _covers(targets: Sequence[str], bucket: str) -> bool:
    """Whether `targets` contains both the bucket and its objects."""
    if any(target.startswith(_NO_ARN_YET) for target in targets):
        # Before the update there is no ARN, and AWS itself accepts only an ARN.
        raise NotYetKnown
    named = {target.partition(":s3:::")[2] for target in targets}
    return {bucket, f"{bucket}/*"} <= named


RULES: tuple[Rule, ...] = (
    StackRule(
        "buckets-are-private",
        "Buckets block public access in all four ways and enforce their owner.",
        buckets_are_private,
    ),
    ResourceRule(
        "buckets-are-not-opened",
        "No access control list and no policy gives everybody access to a bucket.",
        buckets_are_not_opened,
    ),
    StackRule("buckets-demand-tls", "Buckets refuse requests without TLS.", buckets_demand_tls),
    StackRule(
        "bucket-versions-are-kept-and-expire",
        "Buckets keep old versions for a while, and remove them and incomplete uploads later.",
        bucket_versions_are_kept_and_expire,
    ),
)
