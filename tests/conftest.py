"""Fixtures that cluster tests share: one local environment for the whole session.

The environment has its own state folder, and therefore its own name and addresses. A developer's
running environment is neither used nor changed.
"""

import gc
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from seawall.common.locks import exclusive
from seawall.kube.kubectl import Kubectl
from seawall.testbed.kit import Kit, kit_here
from tests import measured as measured_lines
from tests.host.snapshot import Snapshot, take_snapshot
from tests.measured import measured
from tests.object_store import ObjectStore, serve_objects
from tests.support import results, rounds, spending, witness

CHECKOUT = Path(__file__).resolve().parents[1]
SEAWALL = CHECKOUT / ".venv" / "bin" / "seawall"
INTERRUPTIBLE = ("env", "--default-signal=INT")
"""Prefix for a program that a test interrupts: background jobs of a shell ignore SIGINT."""
AS_NOBODY = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)
"""Prefix that runs a program as another user, who may read all files so that Python can start."""
UP_DEADLINE_S = 80 * 60
HOST_LOCK = Path(tempfile.gettempdir()) / "seawall-test-host.lock"
"""Lock held while a test changes the host, and while the session's host snapshot is taken."""
SERVERS = {"api_server", "environment", "object_store", "simulators"}
"""Fixtures that start servers. A test that uses one gets the marker `servers`."""
KEEP_ENVIRONMENT = bool(os.environ.get("SEAWALL_TEST_KEEP"))
"""For test authors: use the existing environment, and leave it running."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The running local environment."""

    kit: Kit
    variables: Mapping[str, str]
    before: Snapshot

    def seawall(self, *arguments: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        return run_seawall(*arguments, variables=self.variables, timeout_s=timeout_s)

    @property
    def kubectl(self) -> Kubectl:
        return self.kit.cluster().kubectl()

    @property
    def api_key(self) -> str:
        return (self.kit.home / "local" / "api-key").read_text()

    @property
    def gateway_url(self) -> str:
        """The URL of the edge proxy: requests go through nginx, as users' requests do."""
        address = self.kubectl(
            *("-n", "seawall", "get", "service", "entrance", "-o", "jsonpath={.spec.clusterIP}")
        )
        return f"http://{address}"


def run_seawall(
    *arguments: str, variables: Mapping[str, str], timeout_s: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run the `seawall` command as a user does, and capture its output."""
    return subprocess.run(
        [SEAWALL, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


# Imported modules hold millions of permanent objects. Scanning them for garbage takes a third of
# the time of test collection.
gc.disable()


def pytest_collection_finish() -> None:
    """Enable garbage collection again, for the objects that tests create."""
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    results.add_option(parser)
    rounds.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    for plugin in (measured_lines, results, rounds, spending, witness):
        config.pluginmanager.register(plugin)
    # Background jobs of a shell ignore SIGINT, and every program that a test starts inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort cheap tests first, so that most mistakes show early.

    Among the tests that use the session's environment, those marked `first` run first. Those marked
    `last` take the environment down and run last. Other cluster tests get the marker `own`.
    """
    items.sort(key=_rank)
    for item in items:
        if SERVERS & set(_fixtures(item)):
            item.add_marker("servers")
        if item.get_closest_marker("cluster") and not _uses_environment(item):
            item.add_marker("own")


def _rank(item: pytest.Item) -> tuple[bool, ...]:
    marks = ("cluster", "engine", "first", "last")
    cluster, engine, first, last = (item.get_closest_marker(mark) is not None for mark in marks)
    return cluster, engine, _uses_environment(item), not first, last


def _uses_environment(item: pytest.Item) -> bool:
    return "environment" in _fixtures(item)


def _fixtures(item: pytest.Item) -> list[str]:
    return cast("list[str]", getattr(item, "fixturenames", []))


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment variables that give the test its own state folder and cluster data."""
    chosen = {
        "SEAWALL_HOME": str(tmp_path / "home"),
        "SEAWALL_STATE_DIR": str(tmp_path / "state"),
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Generator[Path]:
    disk = tmp_path / "tiny"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tiny", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Generator[ObjectStore]:
    """A real S3 server. Each test that stores objects creates its own bucket."""
    program = kit_here().tool("versitygw") / "versitygw"
    with serve_objects(program, tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture(scope="session")
def environment() -> Generator[Environment]:
    variables = {"SEAWALL_HOME": str(CHECKOUT / ".seawall-test")}
    os.environ.update(variables)  # for code that tests call in this process
    if not KEEP_ENVIRONMENT:
        run_seawall(
            "cluster", "down", variables=variables
        )  # removes what a killed session left behind
    kit = kit_here()
    _ = kit.images  # Debian packages stay installed, so install them before the snapshot
    with exclusive(HOST_LOCK):
        before = take_snapshot(kit)
    begun = time.monotonic()
    up = run_seawall("up", variables=variables, timeout_s=UP_DEADLINE_S)
    took = time.monotonic() - begun
    measured(f"`seawall up` took {took:.0f} s (goals: 120 s with caches warm, 30 min fresh)")
    try:
        assert up.returncode == 0, f"`seawall up` failed: {up.stderr[-3000:]}"
        yield Environment(kit_here(), variables, before)
    finally:
        if not KEEP_ENVIRONMENT:
            run_seawall("cluster", "down", variables=variables)
