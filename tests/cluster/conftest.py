"""What the tests on a cluster share beside the environment itself."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.testbed.kit import Kit, kit_here
from tests.cluster.watching import constant_load
from tests.conftest import Environment, run_seawall
from tests.support.constant_load import ConstantLoad
from tests.support.ranges import free_range


@pytest.fixture
def load(environment: Environment) -> ConstantLoad:
    """A load at the usual rate, not yet started."""
    return constant_load(environment)


@pytest.fixture(scope="session")
def warm() -> Kit:
    """A kit with everything built that a cluster and its images are made of."""
    kit = kit_here()
    _ = kit.supplies
    for name in ("gateway", "redis"):
        kit.images.project_image(name)
    return kit


@dataclass(frozen=True, slots=True)
class Other:
    """A cluster beside the session's environment; nothing of it runs yet."""

    kit: Kit
    variables: dict[str, str]

    def seawall(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_seawall(*arguments, variables=self.variables)

    def up(self, *options: str) -> None:
        done = self.seawall("cluster", "up", *options)
        assert done.returncode == 0, done.stderr[-2000:]

    def down(self) -> None:
        done = self.seawall("down")
        assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def cluster_of_its_own(folder: Path) -> Generator[Other]:
    """With a state folder below `folder` and addresses that nobody uses; removed at the end."""
    variables = {"SEAWALL_HOME": str(folder / "home"), "SEAWALL_RANGE": free_range()}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in variables.items():
            patched.setenv(name, value)
        kit = kit_here()
    yield Other(kit, variables)
    if kit.home.exists() or kit.instance.data.exists():
        run_seawall("down", variables=variables)


@pytest.fixture
def other(warm: Kit, tmp_path: Path) -> Generator[Other]:
    """A cluster of its own, so that the session's environment is not disturbed."""
    del warm
    with cluster_of_its_own(tmp_path) as other:
        yield other
