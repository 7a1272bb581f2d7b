"""Kill parts of a cluster with SIGKILL from the host, as the owner of the machine can."""

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
"""At least one daemon of each kind, spread over the machines so that no node loses all."""
SHIM = "containerd-shim-runc-v2"


def kill(pid: int, what: str) -> str:
    os.kill(pid, signal.SIGKILL)
    print(f"kill -9 {pid}: {what}")
    return what


def kill_daemons(kit: Kit) -> list[str]:
    """Kill the daemons of DAEMONS, and the shim of the first node that runs a pod.

    Returns:
        The names of the killed processes.
    """
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
    """Wait until all of these daemons run, since a crashed one restarts.

    Returns:
        The processes of the machine.
    """

    def all_running() -> Mapping[str, int] | None:
        running = _daemons_of(kit, machine)
        return running if running.keys() >= set(daemons) else None

    what = f"{', '.join(daemons)} to run on {machine}"
    return wait_until(all_running, deadline_s=30, what=what)


def _daemons_of(kit: Kit, machine: str) -> dict[str, int]:
    """The processes in a machine's PID namespace, by program; with process IDs of the host."""
    pid_namespace = Path(f"/proc/{_init_of(kit, machine)}/ns/pid").readlink()
    found: dict[str, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/pid").readlink() == pid_namespace:
                program = (process / "cmdline").read_bytes().split(b"\0")[0].decode()
                found[Path(program).name] = int(process.name)
        except OSError:
            continue
    return found
