"""The pack without an engine: objects of the policy SDK become a Resource."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

import pulumi
import pytest
import yaml
from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import (
    SPECIAL_SECRET_SIG,
    SPECIAL_SIG_KEY,
    deserialize_properties,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy
from pydantic import ValidationError

from infra.config.policies import Policies
from infra.policies import RULES, StackRule
from infra.policies.inputs import UNKNOWN
from infra.policies.pack import plain, policies, sealed_paths, settings

PACK = Path(__file__).resolve().parents[3] / "infra" / "policies"
URN = "urn:pulumi:test::pack::kubernetes:core/v1:Secret::key"


Report: TypeAlias = tuple[str, str | None]


@pytest.fixture
def configured() -> Generator[None]:
    """Restore Pulumi's global settings after the test."""
    yield
    pulumi.runtime.set_all_config({})


def sealed(value: object) -> Mapping[str, object]:
    """A secret in Pulumi's wire format."""
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


def options(*, protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def arguments(props: dict[str, Any], *, secrets: bool = False) -> ResourceValidationArgs:
    """Arguments as the SDK passes them to a remediation (`secrets`) or to a validation."""
    proxied: Any = unknown_checking_proxy(deserialize_properties(props, secrets))
    return ResourceValidationArgs("kubernetes:core/v1:Secret", proxied, URN, "key", options(), None)


def named(name: str) -> Policy:
    (found,) = [policy for policy in policies() if policy.name == name]
    return found


def reports(name: str, args: ResourceValidationArgs | StackValidationArgs) -> list[Report]:
    """The reports of the policy with this name in a new pack."""
    return _said(named(name), args)


def _said(policy: Policy, args: object) -> list[Report]:
    told: list[Report] = []

    def report(message: str, urn: str | None = None) -> None:
        told.append((message, urn))

    cast("Any", policy).validate(args, report)
    return told


def test_every_rule_is_a_policy_of_the_matching_type() -> None:
    made = {policy.name: policy for policy in policies()}
    assert list(made) == [rule.name for rule in RULES]
    for rule in RULES:
        expected = (
            StackValidationPolicy if isinstance(rule, StackRule) else ResourceValidationPolicy
        )
        assert isinstance(made[rule.name], expected), rule.name
        assert made[rule.name].description == rule.description


def test_the_folder_is_a_policy_pack_for_python() -> None:
    project = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert project["runtime"]["name"] == "python"
    environment = PACK / project["runtime"]["options"]["virtualenv"]
    assert environment.resolve() == PACK.parents[1] / ".venv"
    assert (PACK / "__main__.py").is_file()


@pytest.mark.usefixtures("configured")
def test_pack_without_configuration_is_strict() -> None:
    pulumi.runtime.set_all_config({})
    assert settings() == Policies()


@pytest.mark.usefixtures("configured")
def test_pack_reads_the_policies_section_of_the_stack() -> None:
    pulumi.runtime.set_all_config({"seawall:policies": '{"spread": "hosts", "backup": false}'})
    assert settings() == Policies(spread="hosts", backup=False)


@pytest.mark.usefixtures("configured")
def test_an_unknown_switch_is_refused() -> None:
    pulumi.runtime.set_all_config({"seawall:policies": '{"digest": false}'})
    with pytest.raises(ValidationError, match="digest"):
        settings()


def test_unknown_preview_values_become_markers() -> None:
    props = {"a": UNKNOWN_STRING_VALUE, "b": [UNKNOWN_STRING_VALUE, "c"], "d": {"e": 1}}
    proxied: Any = unknown_checking_proxy(props)
    assert plain(proxied) == {"a": UNKNOWN, "b": [UNKNOWN, "c"], "d": {"e": 1}}


def test_secret_values_are_found_at_any_depth() -> None:
    props: dict[str, Any] = {
        "plain": "a",
        "whole": sealed({"x": "y"}),
        "data": {"password": sealed("p"), "user": "u"},
        "items": [{"token": sealed("t")}],
    }
    found = sealed_paths(deserialize_properties(props, proxy_secrets=True))
    assert found == {"whole", "data.password", "items.0.token"}


@pytest.mark.usefixtures("configured")
def test_remediation_only_records_secret_paths_for_the_validation() -> None:
    pulumi.runtime.set_all_config({"seawall:policies": '{"external_secrets": false}'})
    policy = named("no-plain-secrets")
    assert isinstance(policy, ResourceValidationPolicy)
    props: dict[str, Any] = {"stringData": {"password": sealed("p")}}
    message = "stringData.password is plain in the state; pass it as a secret output"
    assert _said(policy, arguments(props)) == [(message, None)]
    assert policy.remediate(arguments(props, secrets=True)) is None
    assert _said(policy, arguments(props)) == []


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(("configuration", "reported"), [({}, 1), ({"protect": "false"}, 0)])
def test_switch_in_the_stack_configuration_disables_its_policy(
    configuration: dict[str, str], reported: int
) -> None:
    switches = ", ".join(f'"{key}": {value}' for key, value in configuration.items())
    pulumi.runtime.set_all_config({"seawall:policies": f"{{{switches}}}"})
    kind = "kubernetes:core/v1:Namespace"
    told: list[Report] = []
    for protect in (False, True):
        args = ResourceValidationArgs(kind, {}, URN, "home", options(protect=protect), None)
        told += reports("stateful-resources-are-protected", args)
    assert len(told) == reported


@pytest.mark.usefixtures("configured")
def test_stack_policy_names_the_violating_resource() -> None:
    pulumi.runtime.set_all_config({})
    proxied: Any = unknown_checking_proxy({"spec": {"maxUnavailable": 0}})
    kind = "kubernetes:policy/v1:PodDisruptionBudget"
    budget = PolicyResource(kind, proxied, URN, "tight", options(), None, None, [], {})
    told = reports("disruption-budgets-leave-room-for-a-drain", StackValidationArgs([budget]))
    assert told == [("maxUnavailable 0 allows no eviction; use 1", URN)]
