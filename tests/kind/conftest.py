"""Clusters of the real kind program on a fake Docker engine (`fake_docker.py`).

kind is built from its pinned Go module, so its own parsers read the configuration and every flag
that the kit passes. Tests can inspect the result in the nodes of the fake Docker. They cannot show
that nodes really start.
"""

import io
import json
import shlex
import shutil
import sys
import tarfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.testbed.cluster.artifacts import MetricsImages
from seawall.testbed.cluster.instance import instance_of
from seawall.testbed.cluster.kind import KindCluster
from seawall.testbed.kit import kit_here
from seawall.testbed.toolchain.images import Image
from tests.kind import fake_docker

MakeCluster = Callable[..., KindCluster]

_ROLES = """case "$*" in
  *'kind.role"}} '*-control-plane) echo control-plane; exit;;
  *'kind.role"}} '*) echo worker; exit;;
esac
"""
"""Shell answers for kind, which asks for every node's role some twenty times, without Python."""


@dataclass(frozen=True, slots=True)
class FakeDocker:
    """A test's view and control of the engine."""

    folder: Path
    programs: Path

    def calls(self, program: str) -> list[list[str]]:
        """The arguments of each call so far, except read-only calls."""
        lines = (self.folder / "calls").read_text().splitlines()
        found: list[list[str]] = [json.loads(line) for line in lines]
        looks = {"inspect", "ps", "info", "version"}
        return [words[1:] for words in found if words[0] == program and words[1] not in looks]

    def count(self, program: str, *words: str) -> int:
        """The number of calls that began with these words."""
        return sum(call[: len(words)] == list(words) for call in self.calls(program))

    def container(self, name: str) -> fake_docker.Container:
        with fake_docker.engine_in(self.folder) as engine:
            return engine.containers[name]

    def names(self) -> set[str]:
        with fake_docker.engine_in(self.folder) as engine:
            return set(engine.containers)

    def remove(self, name: str) -> None:
        """Remove a container, as a user does with `docker rm`."""
        with fake_docker.engine_in(self.folder) as engine:
            del engine.containers[name]

    def refuse(self, text: str, words: str) -> None:
        """Refuse every call that contains `text`."""
        with fake_docker.engine_in(self.folder) as engine:
            engine.refuse[text] = words

    def allow(self) -> None:
        with fake_docker.engine_in(self.folder) as engine:
            engine.refuse.clear()

    def written(self, node: str, path: str) -> str:
        """The file that kind wrote into a node."""
        return (self.folder / "nodes" / node / path).read_text()


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The folder with kind, and the fakes of docker and kubectl."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "kind").symlink_to(kit_here().tool("kind") / "kind")
    (folder / "sh").symlink_to("/bin/sh")
    with fake_docker.serving() as server:
        for program in ("docker", "kubectl"):
            words = shlex.join(
                [sys.executable, "-I", "-S", "-c", fake_docker.CLIENT, server, program]
            )
            shim = f'#!/bin/sh\n{_ROLES}exec {words} "$FAKE_DOCKER" "$@"\n'
            (folder / program).write_text(shim)
            (folder / program).chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of every `cluster`, whose name derives from it."""
    return tmp_path_factory.mktemp("checkout") / "home"


@pytest.fixture
def name(home: Path) -> str:
    """The name of `cluster`."""
    return instance_of(home, nodes=1).name


@pytest.fixture
def engine(
    tmp_path: Path, home: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeDocker:
    """An engine without containers; PATH has nothing else."""
    folder = tmp_path / "engine"
    folder.mkdir()
    shutil.copytree(programs, tmp_path / "bin", symlinks=True)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("FAKE_DOCKER", str(folder))
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    monkeypatch.setenv("SEAWALL_STATE_DIR", str(tmp_path / "state"))
    # A user's own kubeconfig, which must not change.
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return FakeDocker(folder, tmp_path / "bin")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Image]:
    """Small archives in the format of `docker save`."""
    folder = tmp_path_factory.mktemp("images")

    def make(name: str) -> Image:
        ref = f"localhost/{name}:1"
        manifest = json.dumps([{"Config": "c.json", "RepoTags": [ref], "Layers": []}]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        archive = folder / f"{name}.tar"
        with tarfile.open(archive, "w") as tar:
            tar.addfile(info, io.BytesIO(manifest))
        return Image(ref, archive)

    return make


@pytest.fixture
def make_cluster(home: Path, engine: FakeDocker, images: Callable[[str], Image]) -> MakeCluster:
    """A cluster of this kit, not started; another `home` means another checkout."""
    del engine

    def make(*, home: Path = home, nodes: int = 3, node_image: str | None = None) -> KindCluster:
        built = MetricsImages(
            metrics_server=images("metrics-server"),
            kube_state_metrics=images("kube-state-metrics"),
        )
        return KindCluster(instance_of(home, nodes=nodes), home.parent, lambda: built, node_image)

    return make


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved copy of what the first `up` of `cluster` created, which takes hundreds of calls."""
    return tmp_path_factory.mktemp("running")


@pytest.fixture
def cluster(
    make_cluster: MakeCluster, engine: FakeDocker, running: Path, tmp_path: Path
) -> KindCluster:
    """A running cluster of three nodes."""
    made = make_cluster()
    if not any(running.iterdir()):
        made.up()
        shutil.copytree(engine.folder, running / "engine")
        shutil.copytree(tmp_path / "state", running / "state")
    shutil.copytree(running / "engine", engine.folder, dirs_exist_ok=True)
    shutil.copytree(running / "state", tmp_path / "state", dirs_exist_ok=True)
    return made
