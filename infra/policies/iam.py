"""Rules about AWS permissions: few actions on named resources, for exactly one service account."""

import re
from collections.abc import Iterator, Sequence

from infra.policies.documents import Statement, has_wildcard, statements
from infra.policies.inputs import at, mapping, sequence, text
from infra.policies.rule import ResourceRule, Rule
from infra.resources import Resource

__all__ = ["RULES"]

_POLICIES = (
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
)
_ROLE = "aws:iam/role:Role"
_AWS_MANAGED = ":iam::aws:policy/"
_WEB_IDENTITY = "sts:assumerolewithwebidentity"
_BELOW = re.compile(r"[^:/]+[:/]+[^:/].*")
"""A bucket and a prefix in it, or a kind and the beginning of a name: the allowed text before
/*."""
_AUDIENCE = "sts.amazonaws.com"


def iam_policies_name_actions_and_resources(resource: Resource) -> Iterator[str]:
    """No action has a wildcard, and no resource matches everything."""
    for document in _documents(resource):
        for statement in statements(document):
            if statement.allows:
                yield from _width(statement)
    for managed in _attached(resource):
        if _AWS_MANAGED in managed:
            yield f"{managed} is managed by AWS and broad; allow only the actions that are needed"


def roles_trust_one_service_account(resource: Resource) -> Iterator[str]:
    """Only one service account may assume a role, through the token service only."""
    if resource.type != _ROLE:
        return
    for statement in statements(at(resource.inputs, "assumeRolePolicy")):
        if not statement.allows:
            continue
        if "*" in statement.principals or statement.inverted:
            yield f"statement {statement.label} lets everybody assume the role; name a principal"
        elif statement.wide_principals:
            wide = list(statement.wide_principals)
            yield f"statement {statement.label} trusts the principals {wide}; name one account"
        if any(action == _WEB_IDENTITY or has_wildcard(action) for action in statement.operations):
            yield from _identity(statement)


def _width(statement: Statement) -> Iterator[str]:
    for action in statement.actions:
        if has_wildcard(action):
            yield f"statement {statement.label} allows {action}; name the actions"
    for target in statement.resources:
        if _is_wide(target):
            yield (
                f"statement {statement.label} is about resource {target}; name the resources,"
                " or a prefix below one and /*"
            )
    if statement.inverted:
        yield (
            f"statement {statement.label} uses NotAction, NotResource or NotPrincipal;"
            " name what it allows"
        )


def _is_wide(target: str) -> bool:
    """Whether there is a wildcard in another place than after a prefix of a named resource."""
    literal = target.removesuffix("/*")
    if has_wildcard(literal):
        return True
    # An ARN has six parts; the last one names the resource.
    return literal != target and _BELOW.fullmatch(literal.split(":", 5)[-1]) is None


def _identity(statement: Statement) -> Iterator[str]:
    subjects = _equal_to(statement, ":sub")
    exact = len(subjects) == 1 and not has_wildcard(subjects[0])
    if not exact or not subjects[0].startswith("system:serviceaccount:"):
        yield (
            f"statement {statement.label} trusts the subjects {list(subjects)};"
            " give one system:serviceaccount:<namespace>:<name> in StringEquals"
        )
    audiences = _equal_to(statement, ":aud")
    if list(audiences) != [_AUDIENCE]:
        yield (
            f"statement {statement.label} trusts the audiences {list(audiences)};"
            f" give {_AUDIENCE} in StringEquals"
        )


def _equal_to(statement: Statement, ending: str) -> Sequence[str]:
    """The values that StringEquals requires for the key, which begins with the issuer's name."""
    keys = [key for key in mapping(statement.conditions, "StringEquals") if key.endswith(ending)]
    return statement.condition("StringEquals", keys[0]) if len(keys) == 1 else ()


def _documents(resource: Resource) -> Iterator[object]:
    if resource.type in _POLICIES:
        yield at(resource.inputs, "policy")
    if resource.type == _ROLE:
        for inline in sequence(resource.inputs, "inlinePolicies"):
            yield at(inline, "policy")


def _attached(resource: Resource) -> Iterator[str]:
    if resource.type == _ROLE:
        yield from (str(arn) for arn in sequence(resource.inputs, "managedPolicyArns"))
    if resource.type.startswith("aws:iam/") and resource.kind.endswith("PolicyAttachment"):
        yield text(resource.inputs, "policyArn")


RULES: tuple[Rule, ...] = (
    ResourceRule(
        "iam-policies-name-actions-and-resources",
        "IAM policies allow named actions on named resources.",
        iam_policies_name_actions_and_resources,
    ),
    ResourceRule(
        "roles-trust-one-service-account",
        "Only named principals, and exactly one service account, may assume an IAM role.",
        roles_trust_one_service_account,
    ),
)
