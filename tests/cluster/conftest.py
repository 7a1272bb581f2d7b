"""Fixtures of the tests on clusters, in addition to the session's environment."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from seawall.testbed.kit import Kit, kit_here
from tests.cluster.live_environment import constant_load
from tests.conftest import Environment, run_seawall
from tests.support.constant_load import ConstantLoad
from tests.support.ranges import free_range


@pytest.fixture
def load(environment: Environment) -> ConstantLoad:
    """A load at the usual rate; the test starts it."""
    return constant_load(environment)


@pytest.fixture(scope="session")
def built_kit() -> Kit:
    """A kit whose cluster programs and images are already built."""
    kit = kit_here()
    _ = kit.supplies
    for name in ("gateway", "redis"):
        kit.images.project_image(name)
    return kit


@dataclass(frozen=True, slots=True)
class NewCluster:
    """A cluster in addition to the session's environment; nothing of it runs yet."""

    kit: Kit
    variables: dict[str, str]

    def seawall(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_seawall(*arguments, variables=self.variables)

    def up(self, *options: str) -> None:
        done = self.seawall("cluster", "up", *options)
        assert done.returncode == 0, done.stderr[-2000:]

    def down(self) -> None:
        done = self.seawall("cluster", "down")
        assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def new_cluster_in(folder: Path) -> Generator[NewCluster]:
    """A cluster with a state folder below `folder` and a free address range; removed at the end."""
    variables = {"SEAWALL_HOME": str(folder / "home"), "SEAWALL_RANGE": free_range()}
    with pytest.MonkeyPatch.context() as monkeypatched:
        for name, value in variables.items():
            monkeypatched.setenv(name, value)
        kit = kit_here()
    yield NewCluster(kit, variables)
    if kit.home.exists() or kit.instance.data.exists():
        run_seawall("cluster", "down", variables=variables)


@pytest.fixture
def new_cluster(built_kit: Kit, tmp_path: Path) -> Generator[NewCluster]:
    """A separate cluster, so that the session's environment is not disturbed."""
    del built_kit
    with new_cluster_in(tmp_path) as new_cluster:
        yield new_cluster
