"""Rules about S3 buckets, whose settings are resources beside them."""

from collections.abc import Iterator, Sequence

from infra.policies.documents import Statement, statements
from infra.policies.inputs import NotYetKnown, at, mapping, sequence, text
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES", "companions", "is_bucket"]

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_NO_ARN_YET = "None"
"""What Python makes of an ARN that nobody has given yet; no ARN begins so."""
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
            if statement.allows and (statement.wide_principals or statement.inverted):
                yield f"statement {statement.label} allows everybody; name the principals"


def buckets_demand_tls(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """The bucket's policy denies everything that comes without TLS."""
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


def _denies_plain(statement: Statement, bucket: str) -> bool:
    return (
        not statement.allows
        and "*" in statement.principals
        and "s3:*" in statement.operations
        and _is_only_about_tls(statement)
        and _covers(statement.resources, bucket)
    )


def _is_only_about_tls(statement: Statement) -> bool:
    """Each further condition would let somebody through."""
    keys = [
        (kind, key) for kind in statement.conditions for key in mapping(statement.conditions, kind)
    ]
    if [(kind, key.lower()) for kind, key in keys] != [("Bool", "aws:securetransport")]:
        return False
    return [value.lower() for value in statement.condition(*keys[0])] == ["false"]


def _covers(targets: Sequence[str], bucket: str) -> bool:
    """The bucket and its objects are both among `targets`."""
    if any(target.startswith(_NO_ARN_YET) for target in targets):
        # Before the update there is no ARN; AWS itself takes nothing else.
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
