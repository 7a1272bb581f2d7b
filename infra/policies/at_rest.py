"""Rules about data in AWS: it is encrypted, and the state does not hold secret values."""

from collections.abc import Iterator, Sequence

from infra.policies.buckets import companions, is_bucket
from infra.policies.inputs import at, number, sequence, text
from infra.policies.rule import ResourceRule, Rule, StackRule
from infra.resources import Resource

__all__ = ["RULES"]

_REPOSITORY = "aws:ecr/repository:Repository"
_SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type
_SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 - a type
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"


def data_is_encrypted_at_rest(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """Encryption is configured explicitly. Only Secrets Manager always encrypts."""
    if is_bucket(resource) and not _bucket_algorithms(resource, stack):
        yield "has no BucketServerSideEncryptionConfiguration; add one with AES256 or aws:kms"
    if resource.type == _REPOSITORY and not _repository_types(resource):
        yield "has no encryptionConfigurations; add AES256 or KMS"
    if resource.type == _CACHE:
        for key in ("atRestEncryptionEnabled", "transitEncryptionEnabled"):
            if at(resource.inputs, key) is not True:
                yield f"{key} is not true; set it"


def encryption_uses_customer_keys(resource: Resource, stack: Sequence[Resource]) -> Iterator[str]:
    """A KMS key of the account: its use is logged, and access to it can be withdrawn."""
    if is_bucket(resource) and "key" not in _bucket_algorithms(resource, stack):
        yield "is not encrypted with a KMS key; set sseAlgorithm aws:kms and kmsMasterKeyId"
    if resource.type == _SECRET and not at(resource.inputs, "kmsKeyId"):
        yield "has no kmsKeyId; set it"
    if resource.type == _REPOSITORY and "key" not in _repository_types(resource):
        yield "is not encrypted with a KMS key; set encryptionType KMS and kmsKey"
    if resource.type == _CACHE and not at(resource.inputs, "kmsKeyId"):
        yield "has no kmsKeyId; set it"


def secret_values_stay_out_of_the_state(resource: Resource) -> Iterator[str]:
    """The program creates the secret; a person or a rotation writes its value."""
    if resource.type != _SECRET_VERSION:
        return
    for key in ("secretString", "secretBinary"):
        if key in resource.inputs:
            yield f"{key} puts the value into the state; write it to Secrets Manager directly"


def secrets_can_be_recovered(resource: Resource) -> Iterator[str]:
    """A deleted secret can be restored for some days."""
    if resource.type == _SECRET and number(resource.inputs, "recoveryWindowInDays") == 0:
        yield "recoveryWindowInDays is 0, which deletes at once; use 7 to 30"


def image_repositories_are_immutable_and_scanned(resource: Resource) -> Iterator[str]:
    """A tag names one image forever, and known vulnerabilities are found."""
    if resource.type != _REPOSITORY:
        return
    mutability = text(resource.inputs, "imageTagMutability")
    if mutability != "IMMUTABLE":
        yield f"imageTagMutability is {mutability!r}; set it to IMMUTABLE"
    if at(resource.inputs, "imageScanningConfiguration", "scanOnPush") is not True:
        yield "imageScanningConfiguration.scanOnPush is not true; set it"


def _bucket_algorithms(bucket: Resource, stack: Sequence[Resource]) -> set[str]:
    """The algorithms in use, and `key` if one of them names a key."""
    found: set[str] = set()
    for item in companions(bucket, stack, "BucketServerSideEncryptionConfiguration"):
        for rule in sequence(item.inputs, "rules"):
            default = at(rule, "applyServerSideEncryptionByDefault")
            found |= _algorithm(text(default, "sseAlgorithm"), at(default, "kmsMasterKeyId"))
    return found


def _repository_types(repository: Resource) -> set[str]:
    found: set[str] = set()
    for item in sequence(repository.inputs, "encryptionConfigurations"):
        found |= _algorithm(text(item, "encryptionType") or "AES256", at(item, "kmsKey"))
    return found


def _algorithm(name: str, key: object) -> set[str]:
    names = {name} if name else set[str]()
    return names | {"key"} if key and name != "AES256" else names


RULES: tuple[Rule, ...] = (
    StackRule(
        "data-is-encrypted-at-rest",
        "Buckets, image repositories and managed Redis are encrypted.",
        data_is_encrypted_at_rest,
    ),
    StackRule(
        "encryption-uses-customer-keys",
        "Encryption in AWS uses a KMS key that the account owns.",
        encryption_uses_customer_keys,
        wanted=lambda policies: policies.customer_keys,
    ),
    ResourceRule(
        "secret-values-stay-out-of-the-state",
        "No value of a secret in Secrets Manager passes through the program.",
        secret_values_stay_out_of_the_state,
    ),
    ResourceRule(
        "secrets-can-be-recovered",
        "Secrets in Secrets Manager have a recovery window.",
        secrets_can_be_recovered,
    ),
    ResourceRule(
        "image-repositories-are-immutable-and-scanned",
        "Image repositories have immutable tags and scan what is pushed.",
        image_repositories_are_immutable_and_scanned,
    ),
)
