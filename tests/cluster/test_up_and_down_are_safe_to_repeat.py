"""A second `up` changes nothing, `up` after a kill repairs, and `down` leaves nothing."""

import os
import signal
import subprocess
import time

import pytest

from seawall.common.errors import ClusterError
from seawall.common.wait import wait_until
from tests.conftest import Environment
from tests.host.snapshot import left_behind
from tests.measured import measured

pytestmark = [pytest.mark.cluster]

IDLE_UP_GOAL_S = 8.0
DAEMONS = ("cp/etcd", "n1/kubelet")
"""Another test kills one daemon of every kind at once and also sees all of them restart."""
MORE_DAEMONS = (
    "cp/kube-apiserver",
    "cp/kube-controller-manager",
    "cp/kube-scheduler",
    "cp/kube-proxy",
    "n1/containerd",
    "n1/kube-proxy",
)


@pytest.mark.timed
def test_second_up_changes_nothing_and_prints_no_secret(environment: Environment) -> None:
    begun = time.monotonic()
    second = environment.seawall("up")
    took = time.monotonic() - begun
    measured(f"`seawall up` with nothing to do took {took:.1f} s (goal {IDLE_UP_GOAL_S:.0f} s)")
    assert second.returncode == 0, second.stderr[-2000:]
    assert "no changes" in second.stdout
    assert "plain answer from" in second.stdout
    assert "streamed answer from" in second.stdout
    assert environment.api_key not in second.stdout + second.stderr
    assert took < 3 * IDLE_UP_GOAL_S


def test_gateway_container_runs_as_uid_10001_and_cannot_write_to_app(
    environment: Environment,
) -> None:
    script = "import pathlib; pathlib.Path('/app/x').write_text('x')"
    in_gateway = ("-n", "seawall", "exec", "deployment/gateway", "--", "python3", "-c")
    with pytest.raises(ClusterError, match="command terminated with exit code 1"):
        environment.kubectl(*in_gateway, script)
    uid = environment.kubectl(*in_gateway, "import os; print(os.getuid())")
    assert uid.strip() == "10001"


def test_the_gateway_image_cannot_import_pulumi(environment: Environment) -> None:
    script = "import importlib.util as u; print([m for m in ('pulumi', 'infra') if u.find_spec(m)])"
    found = environment.kubectl(
        *("-n", "seawall", "exec", "deployment/gateway", "--", "python3", "-c", script)
    )
    assert found.strip() == "[]"


def test_files_with_passwords_have_mode_600(environment: Environment) -> None:
    listing = "stat -c '%a %n' /data/sentinel/sentinel.conf /run/seawall/*.conf /run/seawall/*.acl"
    for pod in ("redis-0", "redis-1", "redis-2"):
        command = ("-n", "seawall", "exec", pod, "-c", "redis", "--", "sh", "-c", listing)
        modes = {line.split()[0] for line in environment.kubectl(*command).splitlines()}
        assert modes == {"600"}, f"{pod}: {modes}"
    assert environment.kit.home.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "part", [*DAEMONS, *(pytest.param(part, marks=pytest.mark.soak) for part in MORE_DAEMONS)]
)
def test_killed_daemon_is_restarted_without_up(environment: Environment, part: str) -> None:
    machine, daemon = part.split("/")
    pid_file = environment.kit.instance.home(machine) / "pids" / f"{daemon}.pid"
    before = pid_file.read_text()
    cluster = environment.kit.cluster()
    kill_daemon(environment, machine, before)
    wait_until(
        lambda: (
            pid_file.read_text() != before and all(p.ok for p in cluster.status() if p.name == part)
        ),
        deadline_s=20,
        what=f"{part} to run again",
    )
    wait_until(
        lambda: environment.kubectl.succeeds("get", "--raw", "/readyz"),
        deadline_s=60,
        what="the API server to be ready",
        interval_s=0.5,
    )


def test_up_repairs_killed_machines(environment: Environment) -> None:
    machines = {"cp", "n1"}
    cluster = environment.kit.cluster()
    for part in cluster.status():
        if part.name in machines:
            os.kill(int(part.detail.rsplit(" ", 1)[1]), signal.SIGKILL)
    wait_until(
        lambda: machines <= {part.name for part in cluster.status() if not part.ok},
        deadline_s=10,
        what="status to report both machines as stopped",
    )
    repaired = environment.seawall("up")
    assert repaired.returncode == 0, repaired.stderr[-2000:]
    assert "plain answer from" in repaired.stdout


def kill_daemon(environment: Environment, machine: str, pid: str) -> None:
    init = (environment.kit.instance.home(machine) / "init.pid").read_text()
    subprocess.run(["nsenter", "-t", init, "-p", "-m", "kill", "-9", pid], check=True)


@pytest.mark.last
def test_down_leaves_nothing_on_the_host(environment: Environment) -> None:
    deleted = environment.seawall("down", "--yes")
    assert deleted.returncode == 0, deleted.stderr[-2000:]
    assert environment.seawall("cluster", "status").returncode == 0, "the cluster stays"
    assert "local is not deployed" in environment.seawall("status").stderr
    begun = time.monotonic()
    down = environment.seawall("cluster", "down")
    took = time.monotonic() - begun
    measured(f"`seawall cluster down` took {took:.1f} s")
    assert down.returncode == 0, down.stderr[-2000:]
    assert left_behind(environment.kit, environment.before) == {}
    assert not environment.kit.home.exists()
