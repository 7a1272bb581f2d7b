"""The supervisor of a machine, PID 1, runs in real namespaces with small programs as daemons."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from seawall.testbed.cluster import init
from seawall.testbed.cluster.init import DaemonSpec, MachineSpec

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


@pytest.fixture
def machine(tmp_path: Path) -> Generator[Path]:
    for folder in ("logs", "pids", "disk"):
        (tmp_path / folder).mkdir()
    script = "echo up >> /run/home/starts; exec sleep 1000"
    spec = MachineSpec(
        hostname="test-machine",
        binds=[(str(tmp_path), "/run/home")],
        daemons=[DaemonSpec(name="sleeper", argv=["sh", "-c", script], env={})],
        log_folder="/run/home/logs",
        pid_folder="/run/home/pids",
    )
    (tmp_path / "machine.json").write_text(json.dumps(spec))
    program = [sys.executable, "-I", "-S", init.__file__, str(tmp_path / "machine.json")]
    isolated = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
    parent = subprocess.Popen([*isolated, "--propagation", "slave", *program])
    wait_until(lambda: starts(tmp_path) == 1, deadline_s=10, what="the daemon to start")
    yield tmp_path
    parent.kill()
    parent.wait()


def starts(home: Path) -> int:
    file = home / "starts"
    return file.read_text().count("up") if file.exists() else 0


def host_pid_of_daemon(home: Path) -> int:
    """The daemon's process ID on this host, found by its recorded ID in the namespace."""
    namespace_pid = (home / "pids" / "sleeper.pid").read_text()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "status").read_text()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        line = next(x for x in status.splitlines() if x.startswith("NSpid:"))
        if line.split()[-1] == namespace_pid and command.startswith(b"sleep\x001000"):
            return int(entry.name)
    pytest.fail("the daemon does not run")


def test_killed_daemon_is_restarted(machine: Path) -> None:
    os.kill(host_pid_of_daemon(machine), signal.SIGKILL)
    wait_until(lambda: starts(machine) == 2, deadline_s=10, what="the daemon to be back")


def test_mounts_of_a_machine_do_not_reach_the_host(machine: Path) -> None:
    assert starts(machine) == 1
    assert "/run/home" not in Path("/proc/mounts").read_text()
