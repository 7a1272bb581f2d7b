"""`up`, `load` and `down` of a kind cluster: created, kept and refused changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from seawall.common.errors import ClusterError, HostError, UsageError
from seawall.testbed.cluster.instance import instance_of, read_note
from seawall.testbed.cluster.kind import KindCluster
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.toolchain.images import Image
from tests.kind.conftest import FakeDocker, MakeCluster

pytestmark = [pytest.mark.servers]


def test_up_creates_a_control_plane_and_workers(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    workers = {f"{name}-worker", f"{name}-worker2", f"{name}-worker3"}
    assert engine.names() == {f"{name}-control-plane", *workers}
    assert all(part.ok for part in cluster.status())


def test_kubeconfig_is_private_to_the_instance(
    cluster: KindCluster, engine: FakeDocker, tmp_path: Path, name: str
) -> None:
    del engine
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert cluster.kubeconfig.parent.stat().st_mode & 0o777 == 0o700
    document = cast("dict[str, Any]", yaml.safe_load(cluster.kubeconfig.read_text()))
    assert document["current-context"] == f"kind-{name}"
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:40123"
    assert not (tmp_path / "user" / ".kube").exists(), "the user's own kubeconfig was touched"


def test_up_again_changes_nothing(cluster: KindCluster, engine: FakeDocker) -> None:
    before = {
        words: engine.count("docker", *words) for words in [("run",), ("start",), ("restart",)]
    }
    applied = (engine.folder / "applied.yaml").read_text()
    cluster.up()
    assert {words: engine.count("docker", *words) for words in before} == before
    assert (engine.folder / "applied.yaml").read_text() == applied
    assert imports(engine) == 6, "two images on three nodes, once"


def imports(engine: FakeDocker) -> int:
    return sum("import" in call for call in engine.calls("docker"))


def test_metrics_components_use_the_bundled_images(
    cluster: KindCluster, engine: FakeDocker
) -> None:
    del cluster
    applied = (engine.folder / "applied.yaml").read_text()
    documents: list[Any] = [found for found in yaml.safe_load_all(applied) if found]
    deployments = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Deployment"}
    containers = {
        name: found["spec"]["template"]["spec"]["containers"][0]
        for name, found in deployments.items()
    }
    assert {name: found["image"] for name, found in containers.items()} == {
        "metrics-server": "localhost/metrics-server:1",
        "kube-state-metrics": "localhost/kube-state-metrics:1",
    }
    trust = [flag for flag in containers["metrics-server"]["args"] if "kubelet-" in flag]
    assert "--kubelet-insecure-tls" in trust, "kind's kubelets sign their own certificates"
    assert not any("certificate-authority" in flag for flag in trust)
    assert "coredns" not in applied, "kind brings its own"


def test_an_image_is_loaded_only_where_it_is_missing(
    cluster: KindCluster, engine: FakeDocker, images: Callable[[str], Image], name: str
) -> None:
    gateway = images("gateway")
    cluster.load([gateway])
    cluster.load([gateway])
    assert imports(engine) == 6 + 3
    for worker in ("worker", "worker2", "worker3"):
        assert gateway.ref in engine.container(f"{name}-{worker}").images
    assert engine.container(f"{name}-control-plane").images == []


def test_two_instances_are_independent(
    cluster: KindCluster, engine: FakeDocker, make_cluster: MakeCluster, tmp_path: Path, name: str
) -> None:
    other = make_cluster(home=tmp_path / "other", nodes=1)
    other.up()
    theirs = instance_of(tmp_path / "other", nodes=1).name
    assert {f"{theirs}-control-plane", f"{theirs}-worker"} < engine.names()
    assert other.kubeconfig != cluster.kubeconfig
    other.down()
    assert {n.rsplit("-", 1)[0] for n in engine.names()} == {name, f"{name}-control"}
    assert all(part.ok for part in cluster.status())


def test_down_leaves_nothing_and_can_be_repeated(
    cluster: KindCluster, engine: FakeDocker, tmp_path: Path
) -> None:
    cluster.down()
    assert engine.names() == set()
    assert not (tmp_path / "state").exists()
    cluster.down()
    assert all(part.detail == "is not there" for part in cluster.status())
    with pytest.raises(ClusterError, match="has not been started"):
        cluster.kubectl()


def test_up_restarts_stopped_and_reconnects_partitioned_nodes(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    cluster.stop_node(f"{name}-worker2")
    cluster.partition_node(f"{name}-worker3")
    cluster.up()
    assert all(part.ok for part in cluster.status())
    assert engine.count("docker", "start", f"{name}-worker2") == 1
    assert engine.count("docker", "network", "connect", "kind", f"{name}-worker3") == 1
    assert engine.count("docker", "run") == 4, "nothing was made anew"


def test_up_recreates_a_half_created_cluster(
    make_cluster: MakeCluster, engine: FakeDocker, name: str
) -> None:
    cluster = make_cluster(nodes=1)
    engine.refuse("kubeadm init", "killed")
    engine.refuse("rm -f -v", "killed before it cleaned up")
    with pytest.raises(ClusterError, match="failed to init node with kubeadm"):
        cluster.up()
    assert engine.names(), "the half of a cluster is there"
    engine.allow()
    cluster.up()
    assert len(engine.names()) == 2
    assert all(part.ok for part in cluster.status())
    assert engine.count("docker", "rm", "-f", "-v") > 0
    assert name in cluster.place


def test_note_records_kind_nodes_and_image(cluster: KindCluster) -> None:
    note = read_note(cluster.kubeconfig.parent)
    assert note is not None
    assert (note.kind, note.nodes, note.node_image) == (OwnCluster.KIND, 3, None)


@pytest.mark.parametrize(
    ("nodes", "image", "words"),
    [
        (5, None, "5 nodes of the default image of kind are asked for"),
        (3, "example.org/node:v1.30.0", "3 nodes of example.org/node:v1.30.0 are asked for"),
    ],
)
def test_up_refuses_changes_that_kind_cannot_make(
    cluster: KindCluster, make_cluster: MakeCluster, nodes: int, image: str | None, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        make_cluster(nodes=nodes, node_image=image).up()
    assert words in str(caught.value)
    assert "made with 3 nodes of the default image of kind" in str(caught.value)
    assert "seawall cluster down" in str(caught.value)
    assert all(part.ok for part in cluster.status())


def test_up_names_a_removed_node(cluster: KindCluster, engine: FakeDocker, name: str) -> None:
    engine.remove(f"{name}-worker")
    with pytest.raises(ClusterError, match=f"{name}-worker was removed, and kind cannot add"):
        cluster.up()


@pytest.mark.parametrize("program", ["docker", "kind", "kubectl"])
def test_missing_program_is_named_with_install_instructions(
    make_cluster: MakeCluster, engine: FakeDocker, program: str
) -> None:
    (engine.programs / program).unlink()
    cluster = make_cluster()
    check = cluster.check_user if program == "docker" else cluster.check_host
    with pytest.raises(HostError) as caught:
        check()
    told = str(caught.value)
    assert told.startswith(f"{program} is not on PATH")
    assert "https://" in told
    assert "seawall:kubernetes.cluster" in told


def test_unreachable_docker_engine_is_one_line(
    make_cluster: MakeCluster, engine: FakeDocker
) -> None:
    engine.refuse("docker", "Cannot connect to the Docker daemon")
    with pytest.raises(HostError, match="no Docker engine answers this user: start it"):
        make_cluster().check_user()
    with pytest.raises(ClusterError) as caught:
        make_cluster().status()
    assert "Cannot connect to the Docker daemon" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_docker_error_during_kind_create_is_one_line(
    make_cluster: MakeCluster, engine: FakeDocker
) -> None:
    engine.refuse("network create", "could not find an available, non-overlapping address pool")
    with pytest.raises(ClusterError) as caught:
        make_cluster().up()
    told = str(caught.value)
    assert "\n" not in told
    assert told.startswith(
        "`kind create cluster` failed: failed to create cluster: failed to ensure"
    )
    assert told.endswith("non-overlapping address pool")
