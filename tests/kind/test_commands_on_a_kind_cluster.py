"""`seawall cluster` and environments on a kind cluster, which a configuration value selects."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from seawall.common.errors import ClusterError, UsageError
from seawall.ops.deployment import Target, target_of
from seawall.ops.doctor import Finding, State, examine
from seawall.testbed.cluster.artifacts import MetricsImages
from seawall.testbed.cluster.kind import KindCluster
from seawall.testbed.cluster.own_cluster import OwnCluster
from seawall.testbed.kit import Kit, kit_here
from seawall.testbed.local_environment import space_needed
from seawall.testbed.toolchain.cache import Cache
from seawall.testbed.toolchain.images import Image
from tests.cli.kit import seawall
from tests.conftest import AS_NOBODY, CHECKOUT
from tests.kind.conftest import FakeDocker

pytestmark = [pytest.mark.servers]


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("seawall: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def test_commands_use_the_existing_kind_cluster(
    cluster: KindCluster, engine: FakeDocker, name: str
) -> None:
    assert isinstance(kit_here().cluster(), KindCluster)
    assert seawall("cluster", "node", "stop", f"{name}-worker2").returncode == 0
    shown = seawall("cluster", "status")
    assert shown.returncode == 3, "a node is down"
    assert f"the kind cluster {name}" in shown.stdout
    found = seawall("cluster", "status", "--json")
    assert found.returncode == 3
    parts = {part["name"]: part["ok"] for part in json.loads(found.stdout)["parts"]}
    assert not parts[f"{name}-worker2"]
    assert parts[f"{name}-worker"]
    assert seawall("kubectl", "get", "--raw", "/readyz").stdout == "ok\n"
    assert engine.calls("kubectl")[-1] == [
        f"--kubeconfig={cluster.kubeconfig}",
        "--namespace=seawall",
        *("get", "--raw", "/readyz"),
    ]


def test_down_removes_the_cluster_and_its_state_folder(
    cluster: KindCluster, engine: FakeDocker, home: Path
) -> None:
    home.mkdir(exist_ok=True)
    (home / "made-by-seawall").touch()  # the marker file of the state folder
    done = seawall("cluster", "down")
    assert done.returncode == 0, done.stderr
    assert engine.names() == set()
    assert not cluster.kubeconfig.parent.exists()
    assert not home.exists()


def test_wrong_cluster_kind_and_wrong_log_part_are_one_line(
    cluster: KindCluster, name: str
) -> None:
    del cluster
    told = one_line(seawall("cluster", "up", "--kind", "embedded"), 2)
    assert "has a cluster of kind kind, and embedded is asked for" in told
    assert "seawall cluster down" in told
    told = one_line(seawall("cluster", "logs", "n1/kubelet"), 2)
    assert f"{name}-control-plane/kubelet" in told


def test_up_without_docker_is_one_line_and_creates_nothing(engine: FakeDocker, home: Path) -> None:
    (engine.programs / "docker").unlink()
    told = one_line(seawall("cluster", "up", "--kind", "kind"), 1)
    assert "docker is not on PATH" in told
    assert not home.exists(), "nothing was made"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    asked = (
        "import sys; from pathlib import Path; "
        "from seawall.testbed.preflight import check_writable; "
        "check_writable(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [*AS_NOBODY, sys.executable, "-c", asked, tmp_path / "state" / "sw"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = f"{tmp_path / 'state' / 'sw'} cannot be made by this user (uid 65534): point SEAWALL"
    assert told in done.stderr


@pytest.fixture
def kit(engine: FakeDocker, tmp_path: Path) -> Kit:
    """The kit of a checkout with an environment on a kind cluster."""
    del engine
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    document = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    document["config"]["seawall:kubernetes"].update(
        cluster="kind", node_image="example.org/node:v1.35.0"
    )
    (checkout / "Pulumi.qa.yaml").write_text(yaml.safe_dump(document))
    return dataclasses.replace(kit_here(), checkout=checkout)


@pytest.fixture
def qa(kit: Kit) -> Target:
    return target_of(kit, "qa")


def test_environment_selects_its_kind_cluster(qa: Target, kit: Kit) -> None:
    assert isinstance(qa.own, KindCluster)
    assert qa.place == f"the kind cluster {kit.instance.name}"
    assert qa.kubeconfig == kit.instance.data / "admin.kubeconfig"
    assert not qa.reachable, "pods are asked through the API server"


def test_the_node_image_of_the_environment_is_used(
    qa: Target, kit: Kit, engine: FakeDocker, images: Callable[[str], Image]
) -> None:
    vars(kit)["metrics_images"] = MetricsImages(
        metrics_server=images("metrics-server"), kube_state_metrics=images("kube-state-metrics")
    )
    assert qa.own is not None
    engine.refuse("network create", "this is far enough")
    with pytest.raises(ClusterError, match="far enough"):
        qa.own.up()
    config = (kit.instance.data / "kind.yaml").read_text()
    assert config.count("image: example.org/node:v1.35.0") == 4


def test_other_cluster_kind_is_refused_while_one_exists(cluster: KindCluster, kit: Kit) -> None:
    del cluster
    with pytest.raises(UsageError, match="of kind kind, and embedded is asked for"):
        kit.cluster(OwnCluster.EMBEDDED)


def test_disk_space_needed_depends_on_the_builds_of_the_cluster_kind(
    kit: Kit, tmp_path: Path
) -> None:
    empty = dataclasses.replace(kit, cache=Cache(tmp_path / "cache", lambda _: None))

    def needs() -> tuple[float, ...]:
        return tuple(space_needed(empty, empty.cluster(kind))[0][1] for kind in OwnCluster)

    embedded, of_kind = needs()
    for tool in ("metrics-server", "kube-state-metrics"):
        (tmp_path / "cache" / tool).mkdir(parents=True)
    assert needs()[0] == embedded, "Kubernetes is not built yet"
    assert needs()[1] < of_kind


def finding(kit: Kit, what: str) -> Finding:
    return next(item for item in examine(kit) if item.what == what)


def test_doctor_reports_whether_kind_is_usable(engine: FakeDocker) -> None:
    found = finding(kit_here(), "Docker and kind")
    assert found.state is State.OK
    (engine.programs / "kind").unlink()
    found = finding(kit_here(), "Docker and kind")
    assert found.state is State.NOTE, "the embedded cluster needs none of them"
    assert found.seen.startswith("kind is not on PATH")
    (engine.programs / "kind").touch(mode=0o755)
    assert "https://kind.sigs.k8s.io" in found.to_do
    engine.refuse("docker", "Cannot connect to the Docker daemon")
    found = finding(kit_here(), "Docker and kind")
    assert found.seen == "no Docker engine answers this user"


def test_doctor_checks_the_existing_cluster(cluster: KindCluster, engine: FakeDocker) -> None:
    assert finding(kit_here(), "cluster").state is State.OK
    cluster.stop_node("node1")
    assert "worker" in finding(kit_here(), "cluster").seen
    engine.refuse("docker", "Cannot connect to the Docker daemon")
    found = finding(kit_here(), "cluster")
    assert found.state is State.NOTE
    assert "Cannot connect" in found.seen
