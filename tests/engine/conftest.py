"""A stack engine over a scratch namespace of a real API server, for tests marked `engine`."""

import subprocess
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from seawall.engine.program import Program
from seawall.engine.stack import Engine
from tests.object_store import ObjectStore


@dataclass(frozen=True)
class Scratch:
    """A namespace of its own, kubectl for it, and engines whose state is a temporary folder."""

    namespace: str
    program: Path
    kubeconfig: Path
    pulumi: Path
    checkout: Path

    def kubectl(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [self.program, "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *words],
            check=check,
            capture_output=True,
            text=True,
        )
        return done.stdout

    @property
    def state_dir(self) -> Path:
        return self.checkout / ".seawall"

    def share_state(self, **state: str) -> None:
        """Let the environment's file name a shared state."""
        document = {"config": {"seawall:state": state}}
        (self.checkout / "Pulumi.test.yaml").write_text(yaml.safe_dump(document))

    def engine(
        self, run: Callable[[], None], secrets: Sequence[str] = (), machine: str = ".seawall"
    ) -> Engine:
        return Engine(
            checkout=self.checkout,
            state_dir=self.checkout / machine,
            env="test",
            pulumi=self.pulumi,
            kubeconfig=self.kubeconfig,
            own_cluster=True,
            program=Program(run, tuple(secrets)),
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The least that the engine needs of a checkout."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: seawall\nmain: infra\nruntime: python\n")
    (tmp_path / "Pulumi.test.yaml").write_text("config: {}\n")
    return tmp_path


@pytest.fixture
def scratch(
    kubectl_program: Path, kubeconfig: Path, pulumi_cli: Path, checkout: Path
) -> Generator[Scratch]:
    name = f"engine-{uuid.uuid4().hex[:8]}"
    made = Scratch(name, kubectl_program, kubeconfig, pulumi_cli, checkout)
    made.kubectl("create", "namespace", made.namespace)
    yield made
    made.kubectl("delete", "namespace", made.namespace, "--wait=false")


@pytest.fixture
def bucket(object_store: ObjectStore, scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> str:
    """A versioned bucket of its own, with the user's credentials for it in the environment."""
    client = object_store.client()
    client.create_bucket(Bucket=scratch.namespace)
    client.put_bucket_versioning(
        Bucket=scratch.namespace, VersioningConfiguration={"Status": "Enabled"}
    )
    for name, value in object_store.credentials.items():
        monkeypatch.setenv(name, value)
    return scratch.namespace
