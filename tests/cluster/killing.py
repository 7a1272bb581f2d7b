"""Kill the parts of a cluster as a machine's owner could: from the host, with -9."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from seawall.common.wait import wait_until
from seawall.testbed.kit import Kit
from tests.measured import measured

__all__ = ["DAEMONS", "kill", "kill_daemons", "kill_inits"]

DAEMONS: Mapping[str, Sequence[str]] = {
    "cp": ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
    "n1": ("containerd",),
    "n2": ("kubelet",),
    "n3": ("kube-proxy",),
}
"""One of every kind, spread over the machines, so that no node loses all."""
SHIM = "containerd-shim-runc-v2"


def kill(pid: int, what: str) -> str:
    os.kill(pid, signal.SIGKILL)
    print(f"kill -9 {pid}: {what}")
    return what


def kill_daemons(kit: Kit) -> list[str]:
    """Kill one of every kind, and a shim wherever there is one; their names."""
    killed: list[str] = []
    for machine, daemons in DAEMONS.items():
        running = _running_daemons(kit, machine, daemons)
        killed += [kill(running[daemon], f"{machine}/{daemon}") for daemon in daemons]
    for machine in kit.instance.node_machines:
        running = _daemons_of(kit, machine)
        if SHIM in running:
            killed.append(kill(running[SHIM], f"{machine}/{SHIM}"))
            measured(f"killed with -9: {', '.join(killed)}")
            return killed
    raise AssertionError("no node runs a pod")


def kill_inits(kit: Kit, *machines: str) -> None:
    for machine in machines:
        kill(_init_of(kit, machine), f"the init of {machine}")


def _init_of(kit: Kit, machine: str) -> int:
    return int((kit.instance.home(machine) / "init.pid").read_text())


def _running_daemons(kit: Kit, machine: str, daemons: Sequence[str]) -> Mapping[str, int]:
    """The processes of a machine, once all of these daemons run; a crashed one is restarted."""

    def all_of_them() -> Mapping[str, int] | None:
        running = _daemons_of(kit, machine)
        return running if running.keys() >= set(daemons) else None

    what = f"{', '.join(daemons)} to run on {machine}"
    return wait_until(all_of_them, deadline_s=30, what=what)


def _daemons_of(kit: Kit, machine: str) -> dict[str, int]:
    """What runs in a machine's own process namespace, by program; pids are the host's."""
    space = Path(f"/proc/{_init_of(kit, machine)}/ns/pid").readlink()
    found: dict[str, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "ns/pid").readlink() == space:
                program = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
                found[Path(program).name] = int(entry.name)
        except OSError:
            continue
    return found
