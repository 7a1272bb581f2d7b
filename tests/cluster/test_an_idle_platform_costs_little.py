"""The CPU time and memory of a platform without requests: its pods and its daemons."""

import re
import time
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.cluster.live_environment import all_ready
from tests.conftest import Environment
from tests.host.processes import pss_kib, running
from tests.measured import measured

pytestmark = [pytest.mark.cluster, pytest.mark.first]

CORES_GOAL = 0.25
SAMPLE_S = 30.0
TICKS_PER_S = 100
CGROUPS = Path("/sys/fs/cgroup")


def test_idle_platform_stays_below_the_cpu_limit(environment: Environment) -> None:
    wait_until(lambda: all_ready(environment), deadline_s=120, what="everything to be Ready")
    name = environment.kit.instance.name
    began, pods, daemons = time.monotonic(), pods_cpu_s(name), daemons_cpu_s(name)
    wait_until(
        lambda: time.monotonic() - began >= SAMPLE_S, deadline_s=3 * SAMPLE_S, what="some seconds"
    )
    took = time.monotonic() - began
    of_pods = (pods_cpu_s(name) - pods) / took
    by_program: dict[str, float] = {}
    for (pid, program), spent in daemons_cpu_s(name).items():
        share = (spent - daemons.get((pid, program), spent)) / took
        by_program[program] = by_program.get(program, 0.0) + share
    cores = of_pods + sum(by_program.values())
    largest = sorted(by_program.items(), key=lambda item: -item[1])[:4]
    largest_text = ", ".join(f"{program} {share:.3f}" for program, share in largest)
    measured(
        f"an idle platform of three nodes uses {cores:.2f} of a core (goal {CORES_GOAL:g}): pods "
        f"{of_pods:.3f}, {largest_text}; {memory_mib(name):.0f} MiB PSS"
    )
    assert of_pods > 0
    assert {"kubelet", "kube-apiserver"} <= set(by_program)
    assert cores < 3 * CORES_GOAL


def pods_cpu_s(name: str) -> float:
    """CPU seconds of all pods of an instance since its start."""
    version_1 = CGROUPS / "cpuacct" / name / "cpuacct.usage"
    if version_1.exists():
        return int(version_1.read_text()) / 1e9
    found = re.search(r"^usage_usec (\d+)", (CGROUPS / name / "cpu.stat").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1e6


def daemons_cpu_s(name: str) -> dict[tuple[int, str], float]:
    """CPU seconds of each process outside of pods, with those of its ended children.

    The ended children of a machine's process 1 are left out: they are the shims of containers, and
    bring with them what the containers used in their whole life, which is the pods' own.
    """
    spent: dict[tuple[int, str], float] = {}
    for process in running().values():
        folder = Path(f"/proc/{process.pid}")
        try:
            if name not in process.instances or "kubepods" in (folder / "cgroup").read_text():
                continue
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        program = Path(process.command.split(" ")[0]).name
        counted = fields[11:13] if "/init.py" in process.command else fields[11:15]
        spent[process.pid, program] = sum(map(int, counted)) / TICKS_PER_S
    return spent


def memory_mib(name: str) -> float:
    """Proportional set size of all processes of an instance."""
    found = running().values()
    return sum(pss_kib(process.pid) for process in found if name in process.instances) / 1024
