"""The resources of each committed environment violate none of its enabled policies."""

import pytest

from infra.parsing import parse
from infra.policies import check
from tests.infra.environments import MONITORING_IMAGES, Platform, complete, platform_of


@pytest.mark.parametrize(
    "env",
    ["local", "dev", "staging", "prod"],
)
def test_committed_environment_violates_none_of_its_policies(
    platforms: dict[str, Platform], env: str
) -> None:
    settings = parse(complete(env)).policies
    found = check(platforms[env].registrations, settings)
    assert [str(violation) for violation in found] == []


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_environment_with_bundled_prometheus_violates_no_policy(env: str) -> None:
    values = complete(env)
    for image in MONITORING_IMAGES:
        values["seawall:images"][image] = values["seawall:images"]["gateway"]
    told = {"page": "webhook", "ticket": "webhook"}
    outside = {"model": "fast", "api_key": "default"}
    values["seawall:monitoring"] = {"kind": "bundled", "alertmanager": told, "outside": outside}
    values["seawall:metrics_adapter"] = {}
    found = check(platform_of(values).registrations, parse(values).policies)
    assert [str(violation) for violation in found] == []


def test_missing_default_deny_policy_is_a_violation(platforms: dict[str, Platform]) -> None:
    rest = [item for item in platforms["dev"].registrations if item.kind != "NetworkPolicy"]
    found = check(rest, parse(complete("dev")).policies)
    assert {violation.rule for violation in found} == {"namespaces-deny-traffic-by-default"}
