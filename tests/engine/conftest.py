"""A stack engine over a scratch namespace of a real API server, for tests marked `engine`."""

import subprocess
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.engine.program import Program
from seawall.engine.stack import Engine


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

    def engine(self, run: Callable[[], None], secrets: Sequence[str] = ()) -> Engine:
        return Engine(
            checkout=self.checkout,
            state_dir=self.state_dir,
            env="test",
            pulumi=self.pulumi,
            kubeconfig=self.kubeconfig,
            embedded=True,
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
