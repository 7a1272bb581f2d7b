"""The stand-in under the real Pulumi engine and a real API server, one namespace per test."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    ConfigMapPatch,
    ContainerArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    Secret,
    Service,
    ServicePortArgs,
    ServiceSpecArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs, ObjectMetaPatchArgs

from seawall.engine.errors import UpdateFailed

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine

Run = Callable[[], None]


@dataclass(frozen=True)
class Options:
    adopt: bool | None = None
    mutable: bool | None = None


def provider(scratch: "Scratch", options: Options = Options()) -> pulumi.ResourceOptions:
    made = Provider(
        "cluster",
        kubeconfig=str(scratch.kubeconfig),
        enable_config_map_mutable=options.mutable,
        enable_secret_mutable=options.mutable,
        upsert_existing_objects=options.adopt,
    )
    return pulumi.ResourceOptions(provider=made)


def config_map(
    scratch: "Scratch",
    data: Mapping[str, str],
    *,
    labels: Mapping[str, str] | None = None,
    options: Options = Options(),
) -> Run:
    def run() -> None:
        metadata = ObjectMetaArgs(name="sample", namespace=scratch.namespace, labels=labels)
        ConfigMap("sample", metadata=metadata, data=data, opts=provider(scratch, options))

    return run


def deployment(scratch: "Scratch", replicas: int, *, app: str = "sample") -> Run:
    def run() -> None:
        container = ContainerArgs(name="sleep", image="none.invalid/none:0")
        Deployment(
            "sample",
            metadata=ObjectMetaArgs(name="sample", namespace=scratch.namespace),
            spec=DeploymentSpecArgs(
                replicas=replicas,
                selector=LabelSelectorArgs(match_labels={"app": app}),
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels={"app": app}),
                    spec=PodSpecArgs(containers=[container]),
                ),
            ),
            opts=provider(scratch),
        )

    return run


def live(scratch: "Scratch", what: str) -> Any:  # noqa: ANN401 - whatever kubectl shows
    return json.loads(scratch.kubectl("get", what, "-o", "json"))


def test_what_is_declared_exists_and_a_second_run_reports_no_changes(scratch: "Scratch") -> None:
    engine = scratch.engine(config_map(scratch, {"a": "1"}))
    assert engine.up().changes["create"] == 3, "stack, provider and ConfigMap"
    again = engine.up()
    assert again.changed == 0
    assert again.line() == "Pulumi reports no changes (3 resources)"
    assert live(scratch, "configmap/sample")["data"] == {"a": "1"}


def test_a_preview_changes_nothing(scratch: "Scratch") -> None:
    assert scratch.engine(config_map(scratch, {"a": "1"})).preview().changes["create"] == 3
    assert scratch.kubectl("get", "configmap/sample", "--ignore-not-found") == ""


def test_destroy_removes_what_was_made(scratch: "Scratch") -> None:
    engine = scratch.engine(config_map(scratch, {"a": "1"}))
    engine.up()
    engine.destroy()
    assert scratch.kubectl("get", "configmap/sample", "--ignore-not-found") == ""


def test_a_change_of_a_label_is_an_update_in_place(scratch: "Scratch") -> None:
    scratch.engine(config_map(scratch, {"a": "1"})).up()
    uid = live(scratch, "configmap/sample")["metadata"]["uid"]
    done = scratch.engine(config_map(scratch, {"a": "1"}, labels={"tier": "x"})).up()
    assert done.changes["update"] == 1
    metadata = live(scratch, "configmap/sample")["metadata"]
    assert (metadata["uid"], metadata["labels"]) == (uid, {"tier": "x"})


def test_a_removed_field_is_removed_from_the_live_object(scratch: "Scratch") -> None:
    scratch.engine(config_map(scratch, {"a": "1"}, labels={"tier": "x"})).up()
    scratch.engine(config_map(scratch, {"a": "1"})).up()
    assert "labels" not in live(scratch, "configmap/sample")["metadata"]


def test_a_changed_selector_replaces_a_deployment(scratch: "Scratch") -> None:
    scratch.engine(deployment(scratch, 1)).up()
    seen = scratch.engine(deployment(scratch, 1, app="other")).preview()
    assert seen.changes["replace"] == 1
    scratch.engine(deployment(scratch, 1, app="other")).up()
    found = live(scratch, "deployment/sample")
    assert found["spec"]["selector"]["matchLabels"] == {"app": "other"}


def test_what_kubectl_changed_is_shown_by_a_refresh_and_repaired(scratch: "Scratch") -> None:
    engine = scratch.engine(deployment(scratch, 1))
    engine.up()
    scratch.kubectl("scale", "deployment/sample", "--replicas=4")
    scratch.kubectl("set", "image", "deployment/sample", "sleep=none.invalid/other:1")
    assert engine.preview().changed == 0, "without a refresh Pulumi compares with its own state"
    assert engine.preview(refresh=True).changes["update"] == 1
    assert engine.up(refresh=True).changes["update"] == 1
    spec = live(scratch, "deployment/sample")["spec"]
    assert spec["replicas"] == 1
    assert spec["template"]["spec"]["containers"][0]["image"] == "none.invalid/none:0"
    assert engine.up(refresh=True).changed == 0


def test_a_field_that_a_controller_owns_is_an_error_that_names_both(scratch: "Scratch") -> None:
    engine = scratch.engine(deployment(scratch, 1))
    engine.up()
    patch = json.dumps({"spec": {"replicas": 4}})
    scratch.kubectl("patch", "deployment/sample", "--patch", patch, "--field-manager=autoscaler")
    with pytest.raises(UpdateFailed) as caught:
        engine.up(refresh=True)
    message = str(caught.value)
    assert ".spec.replicas is owned by 'autoscaler'" in message
    assert "\n" not in message
    assert live(scratch, "deployment/sample")["spec"]["replicas"] == 4


def test_an_existing_object_is_an_error_unless_it_may_be_adopted(scratch: "Scratch") -> None:
    scratch.kubectl("create", "configmap", "sample", "--from-literal=a=0")
    with pytest.raises(UpdateFailed, match=r"ConfigMap .*/sample already exists"):
        scratch.engine(config_map(scratch, {"a": "1"})).up()
    scratch.engine(config_map(scratch, {"a": "1"}, options=Options(adopt=True))).up()
    assert live(scratch, "configmap/sample")["data"] == {"a": "1"}


def test_an_object_without_a_name_keeps_the_one_that_it_was_given(scratch: "Scratch") -> None:
    def run() -> None:
        metadata = ObjectMetaArgs(namespace=scratch.namespace)
        made = ConfigMap("auto", metadata=metadata, data={"a": "1"}, opts=provider(scratch))
        pulumi.export("name", made.metadata.apply(lambda found: found.name))

    engine = scratch.engine(run)
    name = engine.up().outputs["name"].value
    assert str(name).startswith("auto-")
    assert engine.up().outputs["name"].value == name


def test_a_service_tells_its_address(scratch: "Scratch") -> None:
    def run() -> None:
        made = Service(
            "sample",
            metadata=ObjectMetaArgs(name="sample", namespace=scratch.namespace),
            spec=ServiceSpecArgs(ports=[ServicePortArgs(port=80)], selector={"a": "b"}),
            opts=provider(scratch),
        )
        pulumi.export("ip", made.spec.apply(lambda found: found.cluster_ip))

    address = scratch.engine(run).up().outputs["ip"].value
    assert address == live(scratch, "service/sample")["spec"]["clusterIP"]


def test_secrets_are_ciphertext_in_the_state(scratch: "Scratch") -> None:
    def run() -> None:
        value = pulumi.Config("seawall").require_secret_object("secrets")["word"]
        Secret(
            "sample",
            metadata=ObjectMetaArgs(name="sample", namespace=scratch.namespace),
            string_data={"word": value, "forgotten": "not-marked-as-secret"},
            opts=provider(scratch),
        )
        pulumi.export("word", value)

    engine = scratch.engine(run, ["word"])
    engine.up()
    engine.refresh()
    word = engine.outputs()["word"]
    assert word.secret
    encoded = live(scratch, "secret/sample")["data"]
    files = [path for path in scratch.state_dir.rglob("*") if path.is_file()]
    texts = {path: path.read_text(errors="replace") for path in files}
    assert any("ciphertext" in text for text in texts.values()), "no state was read"
    for plain in (str(word.value), "not-marked-as-secret", *encoded.values()):
        found = [str(path) for path, text in texts.items() if plain in text]
        assert found == [], f"a secret stands in plain text in {found}"


def test_a_changed_secret_is_drift_and_is_repaired(scratch: "Scratch") -> None:
    def run() -> None:
        metadata = ObjectMetaArgs(name="sample", namespace=scratch.namespace)
        opts = provider(scratch, Options(mutable=True))
        Secret("sample", metadata=metadata, string_data={"word": "one"}, opts=opts)

    engine = scratch.engine(run)
    engine.up()
    before = live(scratch, "secret/sample")["data"]
    patch = json.dumps({"stringData": {"word": "two"}})
    scratch.kubectl("patch", "secret/sample", "--patch", patch)
    assert engine.up(refresh=True).changes["update"] == 1
    assert live(scratch, "secret/sample")["data"] == before


def test_a_patch_resource_is_refused_by_name(scratch: "Scratch") -> None:
    def run() -> None:
        metadata = ObjectMetaPatchArgs(name="sample", namespace=scratch.namespace)
        ConfigMapPatch("sample", metadata=metadata, data={"a": "1"}, opts=provider(scratch))

    with pytest.raises(UpdateFailed, match=r"stand-in .*Patch resources are not supported"):
        scratch.engine(run).up()


def test_an_invalid_secret_is_refused_without_its_value(scratch: "Scratch") -> None:
    def run() -> None:
        metadata = ObjectMetaArgs(name="sample", namespace=scratch.namespace)
        opts = provider(scratch)
        Secret("sample", metadata=metadata, data={"word": "sword%fish"}, opts=opts)

    with pytest.raises(UpdateFailed) as caught:
        scratch.engine(run).up()
    assert "sword" not in str(caught.value)
