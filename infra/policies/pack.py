"""The rules as a Pulumi policy pack: every violation is mandatory, so the update is refused.

The SDK passes only values to validations, not which of them are secrets. It passes both to
remediations, which Pulumi calls first for each resource. So the rule about secrets has a
remediation that changes nothing and records where a resource holds secrets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, serialize_properties
from pulumi_policy.proxy import UnknownValueError

from infra.config.policies import Policies
from infra.policies import RULES
from infra.policies.inputs import UNKNOWN
from infra.policies.rule import ResourceRule, Rule, StackRule, all_objects
from infra.resources import Resource

__all__ = ["plain", "policies", "sealed_paths", "serve", "settings"]

_WATCHES_SECRETS = "no-plain-secrets"


def serve() -> None:
    """Serve Pulumi's requests until it ends this process."""
    PolicyPack("seawall", policies(), EnforcementLevel.MANDATORY)


def settings() -> Policies:
    """The stack's `seawall:policies`; all switches are on when the section is absent.

    Only this module and `infra.stack_config` read pulumi.Config. Pulumi starts the pack as a
    separate process with the stack's configuration, and the pack needs only this section.
    """
    return Policies.model_validate_json(pulumi.Config("seawall").get("policies") or "{}")


def policies() -> list[Policy]:
    """One Pulumi policy for each rule."""
    seen: dict[str, frozenset[str]] = {}
    return [_policy(rule, seen) for rule in RULES]


def sealed_paths(props: Mapping[str, Any]) -> frozenset[str]:
    """The paths of the secrets in a remediation's properties."""
    return frozenset(_secrets(serialize_properties(props), ()))


def plain(value: object) -> object:
    """A validation's properties as plain data, with UNKNOWN for what a preview does not know."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, object]", value)
        return {key: _known(held.__getitem__, key) for key in held}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[object]", value)
        return [_known(items.__getitem__, place) for place in range(len(items))]
    return value


def _policy(rule: Rule, seen: dict[str, frozenset[str]]) -> Policy:
    if isinstance(rule, StackRule):
        return StackValidationPolicy(rule.name, rule.description, _stack_validation(rule))
    watches = rule.name == _WATCHES_SECRETS

    def remember(args: ResourceValidationArgs) -> None:
        seen[args.urn] = sealed_paths(args.props)

    return ResourceValidationPolicy(
        rule.name,
        rule.description,
        _resource_validation(rule, seen),
        # A remediation runs at this level only; its violations are still mandatory.
        enforcement_level=EnforcementLevel.REMEDIATE if watches else None,
        remediate=remember if watches else None,
    )


def _resource_validation(
    rule: ResourceRule, seen: Mapping[str, frozenset[str]]
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.wanted(settings()):
            resource = _resource(args, seen.get(args.urn, frozenset()))
            for message in rule.check(resource, (resource,)):
                report(message, None)

    return validate


def _stack_validation(rule: StackRule) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if rule.wanted(settings()):
            stack = [_resource(item, frozenset()) for item in args.resources]
            objects = all_objects(stack)
            for item, resource in zip(args.resources, stack, strict=True):
                for message in rule.check(resource, objects):
                    report(message, item.urn)

    return validate


def _resource(args: ResourceValidationArgs | PolicyResource, sealed: frozenset[str]) -> Resource:
    return Resource(
        type=args.resource_type,
        name=args.name,
        inputs=cast("Mapping[str, Any]", plain(args.props)),
        sealed=sealed,
        protect=args.opts.protect,
    )


def _known(get: Callable[[Any], object], key: object) -> object:
    try:
        return plain(get(key))
    except UnknownValueError:
        return UNKNOWN


def _secrets(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, Mapping):
        held = cast("Mapping[str, object]", value)
        if held.get(SPECIAL_SIG_KEY) == SPECIAL_SECRET_SIG:
            yield ".".join(path)
            return
        for key, item in held.items():
            yield from _secrets(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from _secrets(item, (*path, str(place)))
