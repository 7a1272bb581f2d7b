"""Replaced settings under the real engine: old pods keep theirs until new pods are ready.

In these tests the Deployment itself fails; there are no pods.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pulumi
import pytest
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs
from pulumi_kubernetes.core.v1 import ContainerArgs, PodSpecArgs, PodTemplateSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from infra.components.base.config_volume import mounted_files
from seawall.engine.errors import UpdateFailed

if TYPE_CHECKING:
    from conftest import Scratch

pytestmark = pytest.mark.engine

LABELS = {"app": "sample"}


def program(scratch: "Scratch", text: str, *, restart: str = "Always") -> Callable[[], None]:
    def run() -> None:
        cluster = Provider(
            "cluster", kubeconfig=str(scratch.kubeconfig), enable_config_map_mutable=True
        )
        opts = pulumi.ResourceOptions(provider=cluster)
        volume = mounted_files(
            "sample-settings", scratch.namespace, "gateway", {"settings.yaml": text}, opts
        )
        container = ContainerArgs(name="sleep", image="none.invalid/none:0")
        Deployment(
            "sample",
            metadata=ObjectMetaArgs(name="sample", namespace=scratch.namespace),
            spec=DeploymentSpecArgs(
                replicas=0,
                selector=LabelSelectorArgs(match_labels=LABELS),
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(labels=LABELS),
                    spec=PodSpecArgs(
                        containers=[container], restart_policy=restart, volumes=[volume]
                    ),
                ),
            ),
            opts=opts,
        )

    return run


def texts(scratch: "Scratch") -> dict[str, str]:
    """The text in each ConfigMap of the program, by name."""
    items = json.loads(scratch.kubectl("get", "configmaps", "-o", "json"))["items"]
    return {
        str(item["metadata"]["name"]): str(item["data"]["settings.yaml"])
        for item in items
        if str(item["metadata"]["name"]).startswith("sample-settings-")
    }


def mounted(scratch: "Scratch") -> str:
    """The name of the ConfigMap that new pods mount."""
    path = "{.spec.template.spec.volumes[0].configMap.name}"
    return scratch.kubectl("get", "deployment/sample", "-o", f"jsonpath={path}")


def test_changed_settings_create_a_new_config_map_and_equal_ones_reuse_it(
    scratch: "Scratch",
) -> None:
    scratch.engine(program(scratch, "one")).up()
    first = mounted(scratch)
    assert texts(scratch) == {first: "one"}
    assert scratch.engine(program(scratch, "one")).up().changed == 0
    scratch.engine(program(scratch, "two")).up()
    assert mounted(scratch) != first
    assert texts(scratch) == {mounted(scratch): "two"}, "the old one goes when all is well"


def test_old_config_map_stays_until_the_deployment_update_succeeds(
    scratch: "Scratch",
) -> None:
    scratch.engine(program(scratch, "one")).up()
    first = mounted(scratch)
    with pytest.raises(UpdateFailed, match="restartPolicy"):
        scratch.engine(program(scratch, "two", restart="Never")).up()
    assert mounted(scratch) == first
    assert texts(scratch)[first] == "one", "old pods may start again"
    scratch.engine(program(scratch, "one")).up()
    assert texts(scratch) == {mounted(scratch): "one"}
