"""What others changed behind the program's back: shown by a preview, repaired by an update."""

import json
from collections.abc import Callable, Generator

import pytest

from tests.conftest import Environment
from tests.engine.platforms import IMAGES, Platform, copy_of

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def local(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Platform]:
    made = copy_of("local", tmp_path_factory.mktemp("drift"), environment)
    made.engine.up(images=IMAGES)
    yield made
    made.engine.destroy()


def read(platform: Platform, what: str, path: str) -> str:
    return platform.kubectl("get", what, "-o", f"jsonpath={path}")


CHANGES: dict[str, tuple[tuple[str, ...], str, Callable[[Platform], bool]]] = {
    "an image": (
        ("set", "image", "deployment/simulator-alpha", "simulator=none.invalid/other:1"),
        "Deployment simulator-alpha",
        lambda p: (
            read(p, "deployment/simulator-alpha", "{.spec.template.spec.containers[0].image}")
            == IMAGES["gateway"]
        ),
    ),
    "a deleted Service": (
        ("delete", "service", "gateway"),
        "Service gateway",
        lambda p: read(p, "service/gateway", "{.spec.ports[0].port}") == "80",
    ),
    "a changed Secret": (
        ("patch", "secret", "gateway-secrets", "-p", '{"data": {"provider-alpha": ""}}'),
        "Secret gateway-secrets",
        lambda p: read(p, "secret/gateway-secrets", "{.data.provider-alpha}") != "",
    ),
    "a scaled Deployment": (
        ("scale", "deployment/simulator-beta", "--replicas=3"),
        "Deployment simulator-beta",
        lambda p: read(p, "deployment/simulator-beta", "{.spec.replicas}") == "1",
    ),
    "a removed NetworkPolicy": (
        ("delete", "networkpolicy", "default-deny"),
        "NetworkPolicy default-deny",
        lambda p: "Egress" in read(p, "networkpolicy/default-deny", "{.spec.policyTypes}"),
    ),
    "a removed disruption budget": (
        ("delete", "poddisruptionbudget", "redis"),
        "PodDisruptionBudget redis",
        lambda p: read(p, "poddisruptionbudget/redis", "{.spec.maxUnavailable}") == "1",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_foreign_change_is_shown_and_repaired(local: Platform, what: str) -> None:
    words, resource, is_right = CHANGES[what]
    before = local.engine.preview(refresh=True)
    assert before.changed == 0
    local.kubectl(*words)
    seen = local.engine.preview(refresh=True)
    assert [step.resource for step in seen.steps] == [resource], "a preview must show the drift"
    local.engine.up(refresh=True)
    assert is_right(local), "an update must repair the drift"
    assert local.engine.preview(refresh=True).changed == 0


def test_what_an_autoscaler_owns_is_left_alone(local: Platform) -> None:
    local.kubectl("scale", "deployment/gateway", "--replicas=4")
    assert local.engine.preview(refresh=True).changed == 0
    local.engine.up(refresh=True)
    assert read(local, "deployment/gateway", "{.spec.replicas}") == "4"


def test_labels_and_annotations_of_others_are_left_alone(local: Platform) -> None:
    local.kubectl("annotate", "deployment/gateway", "example.com/note=theirs")
    assert local.engine.preview(refresh=True).changed == 0
    local.engine.up(refresh=True)
    notes = json.loads(read(local, "deployment/gateway", "{.metadata.annotations}"))
    assert notes["example.com/note"] == "theirs"


def test_a_preview_names_the_fields_that_differ(local: Platform) -> None:
    local.kubectl("scale", "deployment/simulator-beta", "--replicas=2")
    (step,) = local.engine.preview(refresh=True).steps
    assert step.op == "update"
    assert step.fields == ("spec.replicas",)
    local.engine.up(refresh=True)
