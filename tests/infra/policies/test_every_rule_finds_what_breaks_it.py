"""The example platform keeps every rule; each case breaks one rule and no other."""

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


def test_every_rule_has_cases_that_break_it() -> None:
    assert sorted(CASES) == sorted(rule.name for rule in RULES)
    assert len(CASES) >= 12


def test_names_are_kebab_case_and_descriptions_one_sentence() -> None:
    for rule in RULES:
        assert rule.name == rule.name.lower().replace(" ", "-").replace("_", "-")
        assert rule.description.endswith("."), rule.name
        assert rule.description.count(". ") == 0, rule.name


@pytest.mark.parametrize("spread", ["off", "hosts", "zones"])
def test_the_example_platform_keeps_every_rule(spread: str) -> None:
    settings = Policies.model_validate({"spread": spread})
    assert [str(found) for found in check(Stack().resources, settings)] == []


@pytest.mark.parametrize(("rule", "case"), EACH_CASE)
def test_a_broken_platform_breaks_that_rule_alone(rule: str, case: Case) -> None:
    stack = Stack()
    case.change(stack)
    found = check(stack.resources, case.settings)
    assert {violation.rule for violation in found} == {rule}, [str(item) for item in found]
    assert any(case.says in violation.message for violation in found), [str(i) for i in found]
    for violation in found:
        assert "\n" not in str(violation)
        assert str(violation).startswith(f"{rule}: {violation.title}: ")


def test_every_switch_is_tested() -> None:
    assert set(SWITCHES) == set(Policies.model_fields)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_turns_its_rule_off(switch: str) -> None:
    off, rule = SWITCHES[switch]
    stack = Stack()
    CASES[rule][0].change(stack)
    assert {found.rule for found in check(stack.resources, STRICT)} == {rule}
    assert check(stack.resources, Policies.model_validate({switch: off})) == []


def test_a_required_anti_affinity_spreads_as_well() -> None:
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


def test_a_workload_of_one_pod_needs_neither_a_budget_nor_spreading() -> None:
    stack = Stack()
    stack.drop("PodDisruptionBudget gateway")
    stack.drop("HorizontalPodAutoscaler gateway")
    stack.drop("Deployment gateway", *GATEWAY, "topologySpreadConstraints")
    assert check(stack.resources, STRICT) == []


def test_a_token_is_mounted_for_an_account_that_a_role_is_bound_to() -> None:
    stack = Stack()
    stack.put("Deployment gateway", *GATEWAY, "automountServiceAccountToken", value=True)
    stack.put("Deployment gateway", *GATEWAY, "serviceAccountName", value="watcher")
    subject = {"kind": "ServiceAccount", "name": "watcher"}
    stack.add(kubernetes("rbac.authorization.k8s.io/v1:RoleBinding", "w", subjects=[subject]))
    assert check(stack.resources, STRICT) == []


@pytest.mark.parametrize("sealed", ["stringData", "stringData.key"])
def test_a_sealed_secret_passes_where_secrets_may_be_declared(sealed: str) -> None:
    inputs = {"metadata": {"name": "key"}, "stringData": {"key": "v"}}
    secret = Resource("kubernetes:core/v1:Secret", "key", inputs, sealed=frozenset({sealed}))
    assert check([secret], Policies(external_secrets=False)) == []


def test_a_sealed_value_in_a_config_map_is_a_secret_in_the_wrong_place() -> None:
    inputs = {"metadata": {"name": "m"}, "data": {"settings": "v"}}
    shown = Resource("kubernetes:core/v1:ConfigMap", "m", inputs, sealed=frozenset({"data"}))
    assert ["is a secret in a ConfigMap" in found.message for found in check([shown], STRICT)] == [
        True
    ]


@pytest.mark.parametrize(
    "name",
    ["REDIS_PASSWORD", "apiKey", "OPENAI_API_KEY", "GITHUB_TOKEN", "clientSecret", "private-key"],
)
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["REDIS_PASSWORD_FILE", "SECRETS_DIR", "tokenTtl", "MAX_TOKENS", "KEYBOARD", "gateway.yaml"],
)
def test_names_of_other_things_are_not_taken_for_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_a_variable_that_refers_to_a_secret_passes() -> None:
    stack = Stack()
    reference = {"secretKeyRef": {"name": "redis", "key": "password"}}
    variable = {"name": "REDIS_PASSWORD", "valueFrom": reference}
    stack.put("Deployment gateway", *CONTAINER, "env", value=[variable])
    assert check(stack.resources, STRICT) == []


def test_a_sidecar_needs_probes_and_a_step_before_the_start_does_not() -> None:
    stack = Stack()
    stack.put("Deployment gateway", *GATEWAY, "initContainers", 0, "restartPolicy", value="Always")
    assert {found.rule for found in check(stack.resources, STRICT)} == {"containers-have-probes"}


def test_no_message_repeats_a_secret() -> None:
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


def test_no_rule_fails_or_complains_over_a_value_that_is_not_known_yet() -> None:
    tried = 0
    for resource in Stack().resources:
        for path in _places(resource.inputs):
            stack = Stack()
            stack.put(resource.title, *path, value=UNKNOWN)
            found = [str(violation) for violation in check(stack.resources, STRICT)]
            assert found == [], (resource.title, path)
            tried += 1
    assert tried > 250, "the walk over the platform found too few places"
