"""Patches, lists and templates are checked like the objects that they declare."""

from typing import Any

import pytest

from infra.config.policies import Policies
from infra.policies import check
from infra.policies.expand_lists import unfolded
from infra.policies.inputs import UNKNOWN
from infra.resources import Resource
from tests.infra.policies.examples import EMPTY, Stack, container, kubernetes, template

SPEC: dict[str, Any] = {
    "hostNetwork": True,
    "containers": [
        {
            "name": "bad",
            "image": "x:latest",
            "securityContext": {"privileged": True},
            "env": [{"name": "DB_PASSWORD", "value": "v"}],
        }
    ],
}
POD = {"metadata": {"name": "bad"}, "spec": SPEC}
WORKLOAD = {"metadata": {"name": "bad"}, "spec": {"template": POD}}
SECRET = {"metadata": {"name": "bad"}, "stringData": {"key": "v"}}
FOUND = {"images-name-a-version", "pods-are-restricted", "pods-stay-off-the-host"} | {
    "no-plain-secrets"
}


def rules(token: str, inputs: dict[str, Any], **more: Any) -> set[str]:  # noqa: ANN401 - of a Resource
    resource = Resource(f"kubernetes:{token}", "bad", inputs, **more)
    return {found.rule for found in check([resource], Policies())}


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        ("core/v1:PodPatch", POD),
        ("core/v1:PodTemplate", {"template": POD}),
        ("core/v1:PodTemplatePatch", {"template": POD}),
        ("core/v1:PodTemplateList", {"items": [{"template": POD}]}),
        ("core/v1:PodList", {"items": [EMPTY, POD]}),
        ("core/v1:List", {"items": [{"kind": "Pod", **POD}]}),
        ("core/v1:List", {"items": [{"kind": "PodList", "items": [POD]}]}),
        ("apps/v1:DeploymentPatch", WORKLOAD),
        ("apps/v1:DeploymentList", {"items": [WORKLOAD]}),
        ("apps/v1:StatefulSetList", {"items": [WORKLOAD]}),
        ("batch/v1:CronJobPatch", {"spec": {"jobTemplate": WORKLOAD}}),
    ],
)
def test_pods_in_patches_lists_and_templates_are_checked(
    token: str, inputs: dict[str, Any]
) -> None:
    assert rules(token, inputs) >= FOUND


@pytest.mark.parametrize(
    ("token", "inputs"),
    [("core/v1:SecretPatch", SECRET), ("core/v1:SecretList", {"items": [SECRET]})],
)
def test_secrets_in_patches_and_lists_are_checked(token: str, inputs: dict[str, Any]) -> None:
    assert rules(token, inputs) == {"no-plain-secrets", "secrets-come-from-a-store"}


@pytest.mark.parametrize("sealed", ["items", "items.0", "items.0.stringData.key"])
def test_encrypted_secret_in_a_list_counts_as_encrypted(sealed: str) -> None:
    found = rules("core/v1:SecretList", {"items": [SECRET]}, sealed=frozenset({sealed}))
    assert found == {"secrets-come-from-a-store"}
    other = rules("core/v1:SecretList", {"items": [EMPTY, SECRET]}, sealed=frozenset({"items.0"}))
    assert "no-plain-secrets" in other


def test_violation_in_a_list_names_the_item() -> None:
    found = check(
        [Resource("kubernetes:core/v1:SecretList", "two", {"items": [SECRET]})], Policies()
    )
    assert {item.title for item in found} == {"SecretList two"}
    assert all(item.message.startswith("Secret bad: ") for item in found)


def test_disruption_budget_in_a_list_satisfies_the_rule() -> None:
    stack = Stack()
    budget = next(item for item in stack.resources if item.title == "PodDisruptionBudget gateway")
    stack.drop(budget.title)
    stack.add(kubernetes("policy/v1:PodDisruptionBudgetList", "all", items=[dict(budget.inputs)]))
    assert check(stack.resources, Policies()) == []


def test_unknown_list_items_are_not_checked() -> None:
    assert rules("core/v1:PodList", {"items": UNKNOWN}) == set()
    assert rules("core/v1:PodList", {"items": [UNKNOWN]}) == set()


def test_resources_of_other_providers_are_not_unfolded() -> None:
    made = Resource("aws:x/patchList:PatchList", "x", {"items": [EMPTY]})
    assert list(unfolded(made)) == [made]


def test_ephemeral_container_needs_no_resources_and_no_probes() -> None:
    debugger = container("debugger")
    del debugger["resources"]
    stack = Stack()
    pod = template("one", container("one"), ephemeralContainers=[debugger])
    stack.add(kubernetes("batch/v1:Job", "one", spec={"template": pod}))
    assert check(stack.resources, Policies()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--password-file=/run/p", "--token-ttl", "5"],
        ["--password=$(PASSWORD)", "--token", "$TOKEN"],
        ["--max-tokens=5", "serve", "--key=x"],
        ["--secret", "--verbose"],
        ["""password="$(cat /run/p)"; exec serve"""],
    ],
)
def test_arguments_without_a_literal_pass(words: list[str]) -> None:
    stack = Stack()
    stack.put(
        "Deployment gateway", "spec", "template", "spec", "containers", 0, "args", value=words
    )
    assert check(stack.resources, Policies()) == []


def test_bucket_policy_with_an_unknown_arn_is_not_checked() -> None:
    stack = Stack()
    stack.statement("BucketPolicy backups", "policy", Resource=[None, "None/*"])
    assert check(stack.resources, Policies()) == []
