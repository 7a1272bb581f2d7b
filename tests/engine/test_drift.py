"""External changes of deployed objects: a preview shows them, and an update repairs them.

All changes are made at once, to unrelated objects. One preview, one update and one more preview
cover all of them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.engine.errors import UpdateFailed
from seawall.engine.update import UpResult
from tests.engine.platforms import IMAGES, Platform, copy_of
from tests.support.api_server import ApiServer

pytestmark = pytest.mark.engine


def read(platform: Platform, what: str, path: str) -> str:
    return platform.kubectl("get", what, "-o", f"jsonpath={path}")


CHANGES: dict[str, tuple[tuple[str, ...], Callable[[Platform], bool]]] = {
    "Deployment simulator-alpha": (
        ("set", "image", "deployment/simulator-alpha", "simulator=none.invalid/other:1"),
        lambda p: (
            read(p, "deployment/simulator-alpha", "{.spec.template.spec.containers[0].image}")
            == IMAGES["gateway"]
        ),
    ),
    "Service gateway": (
        ("delete", "service", "gateway"),
        lambda p: read(p, "service/gateway", "{.spec.ports[0].port}") == "80",
    ),
    "Secret gateway-secrets": (
        ("patch", "secret", "gateway-secrets", "-p", '{"data": {"provider-alpha": ""}}'),
        lambda p: read(p, "secret/gateway-secrets", "{.data.provider-alpha}") != "",
    ),
    "Deployment simulator-beta": (
        ("scale", "deployment/simulator-beta", "--replicas=3"),
        lambda p: read(p, "deployment/simulator-beta", "{.spec.replicas}") == "1",
    ),
    "NetworkPolicy default-deny": (
        ("delete", "networkpolicy", "default-deny"),
        lambda p: "Egress" in read(p, "networkpolicy/default-deny", "{.spec.policyTypes}"),
    ),
    "PodDisruptionBudget redis": (
        ("delete", "poddisruptionbudget", "redis"),
        lambda p: read(p, "poddisruptionbudget/redis", "{.spec.maxUnavailable}") == "1",
    ),
}
"""By resource: the kubectl arguments of the change, and the check of its repair."""
OF_OTHERS = (
    ("scale", "deployment/gateway", "--replicas=4"),
    ("annotate", "deployment/gateway", "example.com/note=theirs"),
    ("label", "deployment/gateway", "example.com/mark=theirs"),
)
"""Allowed external changes: an autoscaler owns the replicas, and labels have many owners."""


@dataclass(frozen=True)
class Story:
    """A platform with external changes that an update has repaired."""

    platform: Platform
    shown: UpResult
    after: UpResult

    def of_gateway(self, path: str) -> str:
        return read(self.platform, "deployment/gateway", path)


@pytest.fixture(scope="module")
def story(
    api_server: ApiServer, pulumi_cli: Path, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    made = copy_of("local", tmp_path_factory.mktemp("drift"), api_server, pulumi_cli)
    made.engine.up(images=IMAGES)
    for words in (*(words for words, _ in CHANGES.values()), *OF_OTHERS):
        made.kubectl(*words)
    shown = made.engine.preview(refresh=True)
    made.engine.up(refresh=True)
    return Story(made, shown, made.engine.preview(refresh=True))


@pytest.mark.parametrize("resource", CHANGES)
def test_preview_shows_external_changes(story: Story, resource: str) -> None:
    assert resource in [step.resource for step in story.shown.steps]


@pytest.mark.parametrize("resource", CHANGES)
def test_update_repairs_external_changes(story: Story, resource: str) -> None:
    _, is_right = CHANGES[resource]
    assert is_right(story.platform)


def test_preview_shows_only_external_changes(story: Story) -> None:
    assert sorted(step.resource for step in story.shown.steps) == sorted(CHANGES)


def test_preview_after_the_repair_is_empty(story: Story) -> None:
    assert story.after.changed == 0


def test_replicas_set_by_an_autoscaler_are_kept(story: Story) -> None:
    assert story.of_gateway("{.spec.replicas}") == "4"


def test_external_labels_and_annotations_are_kept(story: Story) -> None:
    notes = json.loads(story.of_gateway("{.metadata.annotations}"))
    assert notes["example.com/note"] == "theirs"
    assert json.loads(story.of_gateway("{.metadata.labels}"))["example.com/mark"] == "theirs"


def test_external_change_of_a_namespace_label_is_a_conflict_error(story: Story) -> None:
    engine, kubectl = story.platform.engine, story.platform.kubectl
    # The provider reverts changes of kubectl's field manager, so this change uses another one.
    words = ("label", "--overwrite", "--field-manager=gitops", f"ns/{story.platform.namespace}")
    label = "pod-security.kubernetes.io/enforce"
    kubectl(*words, f"{label}=privileged")
    try:
        with pytest.raises(UpdateFailed, match=r"^Namespace namespace: .*conflict") as caught:
            engine.up(refresh=True)
        assert label in str(caught.value)
        assert "\n" not in str(caught.value)
    finally:
        kubectl(*words, f"{label}=restricted")
    assert engine.up(refresh=True).changed == 0


def test_a_preview_names_the_fields_that_differ(story: Story) -> None:
    (step,) = [step for step in story.shown.steps if step.resource == "Deployment simulator-beta"]
    assert step.op == "update"
    assert step.fields == ("spec.replicas",)
