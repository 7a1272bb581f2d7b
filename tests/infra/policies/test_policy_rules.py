"""The example platform violates no rule; each case violates exactly one."""

from typing import cast

import pytest

from infra.config.policies import Policies
from infra.policies import RULES, check
from infra.policies.inputs import UNKNOWN
from infra.policies.plain_secrets import looks_secret
from infra.resources import Resource
from tests.infra.policies.cases import CASES, CONTAINER, GATEWAY, STRICT, Case
from tests.infra.policies.examples import Stack, kubernetes, selector

EACH_CASE = [
    pytest.param(rule, case, id=f"{rule}-{place}")
    for rule, cases in CASES.items()
    for place, case in enumerate(cases)
]
SWITCHES = {
    "digests": (False, "images-by-digest"),
    "external_secrets": (False, "secrets-come-from-a-store"),
    "disruption_budgets": (False, "replicated-workloads-have-a-disruption-budget"),
    "spread": ("off", "pods-are-spread-over-zones"),
    "backup": (False, "redis-is-backed-up"),
    "protect": (False, "stateful-resources-are-protected"),
    "customer_keys": (False, "encryption-uses-customer-keys"),
}


def test_every_rule_has_violating_cases() -> None:
    assert sorted(CASES) == sorted(rule.name for rule in RULES)
    assert len(CASES) >= 12


def test_names_are_kebab_case_and_descriptions_one_sentence() -> None:
    for rule in RULES:
        assert rule.name == rule.name.lower().replace(" ", "-").replace("_", "-")
        assert rule.description.endswith("."), rule.name
        assert rule.description.count(". ") == 0, rule.name


@pytest.mark.parametrize("spread", ["off", "hosts", "zones"])
def test_example_platform_violates_no_rule(spread: str) -> None:
    settings = Policies.model_validate({"spread": spread})
    assert [str(found) for found in check(Stack().resources, settings)] == []


@pytest.mark.parametrize(("rule", "case"), EACH_CASE)
def test_each_case_violates_exactly_its_rule(rule: str, case: Case) -> None:
    stack = Stack()
    case.change(stack)
    found = check(stack.resources, case.settings)
    assert {violation.rule for violation in found} == {rule}, [str(item) for item in found]
    assert any(case.says in violation.message for violation in found), [str(i) for i in found]
    for violation in found:
        assert "\n" not in str(violation)
        assert str(violation).startswith(f"{rule}: {violation.title}: ")


def test_every_policy_switch_is_tested() -> None:
    assert set(SWITCHES) == set(Policies.model_fields)


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_disables_its_rule(switch: str) -> None:
    off, rule = SWITCHES[switch]
    stack = Stack()
    CASES[rule][0].change(stack)
    assert {found.rule for found in check(stack.resources, STRICT)} == {rule}
    assert check(stack.resources, Policies.model_validate({switch: off})) == []


def test_required_anti_affinity_satisfies_the_spread_rule() -> None:
    stack = Stack()
    stack.drop("StatefulSet redis", *GATEWAY, "topologySpreadConstraints")
    term = {"topologyKey": "topology.kubernetes.io/zone", "labelSelector": selector("redis")}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    stack.put("StatefulSet redis", *GATEWAY, "affinity", value={"podAntiAffinity": required})
    assert check(stack.resources, STRICT) == []
    weighted = [{"weight": 100, "podAffinityTerm": term}]
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": weighted}
    stack.put("StatefulSet redis", *GATEWAY, "affinity", value={"podAntiAffinity": preferred})
    assert [found.rule for found in check(stack.resources, STRICT)] == [
        "pods-are-spread-over-zones"
    ]


def test_single_pod_workload_needs_no_disruption_budget_and_no_spread() -> None:
    stack = Stack()
    stack.drop("PodDisruptionBudget gateway")
    stack.drop("HorizontalPodAutoscaler gateway")
    stack.drop("Deployment gateway", *GATEWAY, "topologySpreadConstraints")
    assert check(stack.resources, STRICT) == []


def test_token_may_be_mounted_for_a_service_account_with_a_role_binding() -> None:
    stack = Stack()
    stack.put("Deployment gateway", *GATEWAY, "automountServiceAccountToken", value=True)
    stack.put("Deployment gateway", *GATEWAY, "serviceAccountName", value="watcher")
    subject = {"kind": "ServiceAccount", "name": "watcher"}
    stack.add(kubernetes("rbac.authorization.k8s.io/v1:RoleBinding", "w", subjects=[subject]))
    assert check(stack.resources, STRICT) == []


@pytest.mark.parametrize("sealed", ["stringData", "stringData.key"])
def test_encrypted_secret_passes_without_external_secrets(sealed: str) -> None:
    inputs = {"metadata": {"name": "key"}, "stringData": {"key": "v"}}
    secret = Resource("kubernetes:core/v1:Secret", "key", inputs, sealed=frozenset({sealed}))
    assert check([secret], Policies(external_secrets=False)) == []


def test_secret_value_in_a_config_map_is_a_violation() -> None:
    inputs = {"metadata": {"name": "m"}, "data": {"settings": "v"}}
    shown = Resource("kubernetes:core/v1:ConfigMap", "m", inputs, sealed=frozenset({"data"}))
    assert ["is a secret in a ConfigMap" in found.message for found in check([shown], STRICT)] == [
        True
    ]


@pytest.mark.parametrize(
    "name",
    ["REDIS_PASSWORD", "apiKey", "OPENAI_API_KEY", "GITHUB_TOKEN", "clientSecret", "private-key"],
)
def test_secret_names_are_recognised(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["REDIS_PASSWORD_FILE", "SECRETS_DIR", "tokenTtl", "MAX_TOKENS", "KEYBOARD", "gateway.yaml"],
)
def test_other_names_are_not_recognised_as_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_variable_with_a_secret_key_ref_passes() -> None:
    stack = Stack()
    reference = {"secretKeyRef": {"name": "redis", "key": "password"}}
    variable = {"name": "REDIS_PASSWORD", "valueFrom": reference}
    stack.put("Deployment gateway", *CONTAINER, "env", value=[variable])
    assert check(stack.resources, STRICT) == []


def test_sidecar_needs_probes_and_an_init_container_does_not() -> None:
    stack = Stack()
    stack.put("Deployment gateway", *GATEWAY, "initContainers", 0, "restartPolicy", value="Always")
    assert {found.rule for found in check(stack.resources, STRICT)} == {"containers-have-probes"}


def test_violation_messages_contain_no_secret() -> None:
    stack = Stack()
    value = "hunter2-not-for-logs"
    stack.put("ConfigMap settings", "data", "api-key", value=value)
    stack.put(
        "Deployment gateway", *CONTAINER, "env", value=[{"name": "X_PASSWORD", "value": value}]
    )
    stack.add(kubernetes("core/v1:Secret", "s", stringData={"key": value}))
    found = check(stack.resources, STRICT)
    assert len(found) == 4
    assert not any(value in str(violation) for violation in found)


def _places(value: object, *path: str | int) -> list[tuple[str | int, ...]]:
    """Every path in a JSON value."""
    places = [path] if path else []
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            places += _places(item, *path, key)
    if isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            places += _places(item, *path, place)
    return places


def test_unknown_preview_values_violate_no_rule() -> None:
    tried = 0
    for resource in Stack().resources:
        for path in _places(resource.inputs):
            stack = Stack()
            stack.put(resource.title, *path, value=UNKNOWN)
            found = [str(violation) for violation in check(stack.resources, STRICT)]
            assert found == [], (resource.title, path)
            tried += 1
    assert tried > 250, "the walk over the platform found too few places"
