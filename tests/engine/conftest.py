"""A stack engine on a scratch namespace of a real API server, for tests marked `engine`.

Each test process has its own API server, without nodes. The server and all its objects are removed
at the end, so tests do not clean up in it.
"""

import subprocess
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from seawall.engine.existing import ObjectName
from seawall.engine.program import Program
from seawall.engine.stack import Engine
from seawall.kube.kubectl import Kubectl
from seawall.testbed.kit import kit_here
from tests.support.api_server import ApiServer, serve_kubernetes


@dataclass(frozen=True)
class Scratch:
    """A namespace, kubectl for it, and engines with their state in a temporary folder."""

    namespace: str
    program: Path
    kubeconfig: Path
    pulumi: Path
    provider: Path
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
        """Configure a shared state in the environment's file."""
        document = {"config": {"seawall:state": state}}
        (self.checkout / "Pulumi.test.yaml").write_text(yaml.safe_dump(document))

    def engine(
        self,
        run: Callable[[], None],
        secrets: Sequence[str] = (),
        machine: str = ".seawall",
        objects: Sequence[ObjectName] = (),
        env: str = "test",
        *,
        adopt_existing: bool = False,
    ) -> Engine:
        return Engine(
            checkout=self.checkout,
            state_dir=self.checkout / machine,
            env=env,
            pulumi=lambda: self.pulumi,
            kubeconfig=self.kubeconfig,
            provider=lambda: self.provider,
            kubectl=None if adopt_existing else lambda: Kubectl(self.program, self.kubeconfig),
            program=Program(run, tuple(secrets), objects=tuple(objects)),
        )


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ApiServer]:
    with serve_kubernetes(kit_here(), tmp_path_factory.mktemp("api-server")) as served:
        yield served


@pytest.fixture(scope="session")
def pulumi_cli() -> Path:
    return kit_here().tool("pulumi") / "pulumi"


@pytest.fixture(scope="session")
def provider() -> Path:
    return kit_here().provider()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return _least_checkout(tmp_path)


def _least_checkout(folder: Path) -> Path:
    """Write the minimal checkout that the engine needs to the folder."""
    (folder / "infra").mkdir()
    (folder / "Pulumi.yaml").write_text("name: seawall\nmain: infra\nruntime: python\n")
    (folder / "Pulumi.test.yaml").write_text("config: {}\n")
    return folder


@pytest.fixture(scope="session")
def make_scratch(
    api_server: ApiServer, pulumi_cli: Path, provider: Path
) -> Callable[[Path], Scratch]:
    """Create a scratch namespace with a checkout in a folder."""

    def make(folder: Path) -> Scratch:
        name = f"engine-{uuid.uuid4().hex[:8]}"
        made = Scratch(
            name, api_server.program, api_server.kubeconfig, pulumi_cli, provider, folder
        )
        made.kubectl("create", "namespace", name)
        return made

    return make


@pytest.fixture
def scratch(make_scratch: Callable[[Path], Scratch], checkout: Path) -> Scratch:
    return make_scratch(checkout)


@pytest.fixture(scope="module")
def module_scratch(
    make_scratch: Callable[[Path], Scratch], tmp_path_factory: pytest.TempPathFactory
) -> Scratch:
    """A scratch namespace that the tests of a module share; they leave its stack unchanged."""
    return make_scratch(_least_checkout(tmp_path_factory.mktemp("checkout")))
