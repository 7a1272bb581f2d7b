"""A machine without its specification or programs cannot start; the error says what to do."""

import json
from pathlib import Path

import pytest

from seawall.common.errors import ClusterError
from seawall.testbed.cluster.init import MachineSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.machine import Machine
from seawall.testbed.cluster.network import Network


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    instance = Instance("sw000000", 70, 1, tmp_path)
    instance.home("n1").mkdir()
    return Machine(instance, "n1", Network(instance))


def test_restart_of_a_machine_that_never_started_is_refused(machine: Machine) -> None:
    with pytest.raises(ClusterError, match="n1 was never started: run `make up`"):
        machine.start_again()


def test_restart_of_a_machine_without_its_programs_is_refused(
    machine: Machine, tmp_path: Path
) -> None:
    programs = tmp_path / "programs of an older kit"
    spec = MachineSpec(
        hostname="node1",
        binds=[(str(tmp_path), "/run/machine"), (str(programs), "/run/programs")],
        daemons=[],
        log_folder="/run/machine/logs",
        pid_folder="/run/machine/pids",
    )
    (machine.home / "machine.json").write_text(json.dumps(spec))
    with pytest.raises(ClusterError, match="programs of an older kit is gone: `make up`"):
        machine.start_again()
