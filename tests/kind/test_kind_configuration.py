"""The configuration of a kind cluster, and the files that kind derives from it in the nodes."""

from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from seawall.common.errors import ClusterError
from seawall.testbed.cluster.instance import instance_of
from seawall.testbed.cluster.kind import KindCluster
from seawall.testbed.cluster.kind.config import kind_config
from tests.kind.conftest import FakeDocker, MakeCluster

pytestmark = [pytest.mark.servers]

OLDER_IMAGE = "example.org/node:v1.35.0"
"""An image whose kubeadm gets the older configuration form; the default image gets the newer."""
APISERVER = {
    "default-not-ready-toleration-seconds": "5",
    "default-unreachable-toleration-seconds": "5",
}
CONTROLLERS = {
    "node-monitor-grace-period": "10s",
    "node-monitor-period": "1s",
    "horizontal-pod-autoscaler-sync-period": "5s",
    "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
    "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
}


def config_of(tmp_path: Path, *, nodes: int, node_image: str | None = None) -> dict[str, Any]:
    text = kind_config(instance_of(tmp_path, nodes=nodes), node_image)
    return cast("dict[str, Any]", yaml.safe_load(text))


def test_kind_config_has_one_control_plane_and_the_workers_with_zones(tmp_path: Path) -> None:
    config = config_of(tmp_path, nodes=2)
    assert config["apiVersion"] == "kind.x-k8s.io/v1alpha4"
    assert config["kind"] == "Cluster"
    assert config["name"] == instance_of(tmp_path, nodes=2).name
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    zones = [node.get("labels", {}).get("topology.kubernetes.io/zone") for node in config["nodes"]]
    assert zones == [None, "zone-n1", "zone-n2"], "as the embedded cluster labels its nodes"


def test_default_node_image_is_used_unless_configured(tmp_path: Path) -> None:
    assert "image" not in str(config_of(tmp_path, nodes=1))
    given = config_of(tmp_path, nodes=1, node_image=OLDER_IMAGE)
    assert {node["image"] for node in given["nodes"]} == {OLDER_IMAGE}


@pytest.fixture
def older(make_cluster: MakeCluster) -> KindCluster:
    made = make_cluster(nodes=1, node_image=OLDER_IMAGE)
    made.up()
    return made


def kubeadm_of(engine: FakeDocker, node: str) -> dict[str, dict[str, Any]]:
    """The configuration that kind wrote for kubeadm, by document kind."""
    documents = yaml.safe_load_all(engine.written(node, "kind/kubeadm.conf"))
    return {found["kind"]: found for found in cast("list[dict[str, Any]]", list(documents))}


def as_object(arguments: dict[str, str] | list[dict[str, str]]) -> dict[str, str]:
    """Arguments of either form as one dict."""
    if isinstance(arguments, dict):
        return arguments
    return {argument["name"]: argument["value"] for argument in arguments}


def assert_failures_are_noticed_soon(engine: FakeDocker, name: str) -> None:
    found = kubeadm_of(engine, f"{name}-control-plane")
    cluster = found["ClusterConfiguration"]
    apiserver = as_object(cluster["apiServer"]["extraArgs"])
    controllers = as_object(cluster["controllerManager"]["extraArgs"])
    assert apiserver.items() >= APISERVER.items()
    assert "runtime-config" in apiserver, "kind's own arguments are still there"
    assert controllers.items() >= CONTROLLERS.items()
    assert "enable-hostpath-provisioner" in controllers
    for node in (f"{name}-control-plane", f"{name}-worker"):
        kubelet = kubeadm_of(engine, node)["KubeletConfiguration"]
        assert kubelet["nodeStatusUpdateFrequency"] == "2s"
        assert kubelet["nodeLeaseDurationSeconds"] == 8
        assert kubelet["cgroupRoot"] == "/kubelet", "kind's own settings are still there"


def test_settings_reach_a_newer_kubeadm(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    del cluster
    found = kubeadm_of(engine, f"{name}-control-plane")["ClusterConfiguration"]
    assert isinstance(found["apiServer"]["extraArgs"], list)
    assert_failures_are_noticed_soon(engine, name)
    joined = kubeadm_of(engine, f"{name}-worker2")["JoinConfiguration"]
    labels = as_object(joined["nodeRegistration"]["kubeletExtraArgs"])["node-labels"]
    assert labels == "topology.kubernetes.io/zone=zone-n2"


def test_settings_reach_an_older_kubeadm(older: KindCluster, engine: FakeDocker, name: str) -> None:
    del older
    found = kubeadm_of(engine, f"{name}-control-plane")["ClusterConfiguration"]
    assert isinstance(found["apiServer"]["extraArgs"], dict)
    assert_failures_are_noticed_soon(engine, name)
    assert engine.container(f"{name}-worker").image == OLDER_IMAGE


def test_kind_refuses_unknown_configuration_keys(
    make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that these tests use kind's strict parser."""

    def with_a_wrong_key(*_: object) -> str:
        return "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodess: []\n"

    monkeypatch.setattr("seawall.testbed.cluster.kind.create.kind_config", with_a_wrong_key)
    with pytest.raises(ClusterError, match="field nodess not found in type"):
        make_cluster().up()
