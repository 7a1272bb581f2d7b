"""A machine: a set of new namespaces with its own init; it lives as long as that init."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from seawall.common.errors import ClusterError
from seawall.common.wait import TimedOutError, wait_until
from seawall.testbed.cluster import init
from seawall.testbed.cluster.cgroups import make_cgroups, remove_cgroups
from seawall.testbed.cluster.init import DaemonSpec, MachineSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.network import Network
from seawall.testbed.cluster.proc_overrides import identity_binds, write_identity
from seawall.testbed.cluster.processes import processes_naming, when_started

__all__ = ["HOME", "PROGRAMS", "Machine"]

HOME = "/run/machine"
"""The folder of a machine (settings, logs, keys), as a path inside the machine."""
PROGRAMS = "/run/programs"
"""The folder of the Kubernetes programs, as a path inside the machine."""

_DISK = ("var/lib", "var/log", "opt")


class Machine:
    """One machine of an instance.

    Args:
        instance: the instance of the machine.
        name: cp, n1, n2, ...
        network: creates the network of the machine.
    """

    def __init__(self, instance: Instance, name: str, network: Network) -> None:
        self._instance = instance
        self.name = name
        self._network = network
        self.home = instance.home(name)

    @property
    def _spec_file(self) -> Path:
        return self.home / "machine.json"

    @property
    def disk(self) -> Path:
        """The folder with its /var/lib, /var/log and /opt, which survive a restart."""
        return self.home / "disk"

    @property
    def logs(self) -> Path:
        """The folder with one log file per daemon."""
        return self.home / "logs"

    def pid(self) -> int | None:
        """The process id of the init on the host; None when the init does not run."""
        try:
            pid = int((self.home / "init.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        # A dying init has no command line any more; a reused pid has another command line.
        return pid if str(self._spec_file).encode() in command else None

    def start(self, daemons: Sequence[DaemonSpec], *, programs: Path) -> None:
        """Boot the machine with a new network and a new boot id; its disk is kept.

        Raises:
            ClusterError: the init did not start.
        """
        for folder in (self.logs, self.home / "pids", *(self.disk / d for d in _DISK)):
            folder.mkdir(parents=True, exist_ok=True)
        binds = [(str(self.home), HOME), (str(programs), PROGRAMS)]
        binds += [(str(self._instance.data / "pki"), f"{HOME}-pki")]
        binds += [(str(self.disk / d), f"/{d}") for d in _DISK]
        binds += identity_binds(self.home)
        spec = MachineSpec(
            hostname=self._instance.node_name(self.name) if self.name != "cp" else "cp",
            binds=binds,
            daemons=list(daemons),
            log_folder=f"{HOME}/logs",
            pid_folder=f"{HOME}/pids",
        )
        self._spec_file.write_text(json.dumps(spec, indent=1))
        self.start_again()

    def start_again(self) -> None:
        """Boot the machine with the daemons and programs of its last start, even of an older kit.

        Raises:
            ClusterError: they do not exist any more, or the init did not start.
        """
        try:
            spec: MachineSpec = json.loads(self._spec_file.read_text())
        except (OSError, ValueError) as lost:
            raise ClusterError(f"machine {self.name} was never started: run `make up`") from lost
        write_identity(self.home)
        gone = [source for source, _ in spec["binds"] if not Path(source).exists()]
        if gone:
            raise ClusterError(
                f"machine {self.name} cannot start as it did before, since {gone[0]} is gone:"
                " `make up` starts it with what is there"
            )
        self.stop()
        self._network.attach(self.name)
        make_cgroups(self._instance, self.name)
        self._boot()

    def stop(self) -> None:
        """Power off: remove every process and mount, keep the disk."""
        try:
            wait_until(
                self._ended, deadline_s=20, what=f"machine {self.name} to end", interval_s=0.05
            )
        except TimedOutError as late:
            raise ClusterError(str(late)) from late
        self._network.detach(self.name)
        remove_cgroups(self._instance, self.name)

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` inside the machine.

        Raises:
            ClusterError: the machine does not run.
        """
        pid = self.pid()
        if pid is None:
            raise ClusterError(f"machine {self.name} does not run: `make up` starts it again")
        return ["nsenter", "-t", str(pid), "-m", "-p", "-n", "-u", "-i", *argv]

    def daemon_runs(self, daemon: str) -> bool:
        """Whether the last started process of a daemon is alive."""
        try:
            pid = int((self.home / "pids" / f"{daemon}.pid").read_text())
        except (OSError, ValueError):
            return False
        if self.pid() is None:
            return False
        done = subprocess.run(
            self.enter(["kill", "-0", str(pid)]), capture_output=True, check=False
        )
        return done.returncode == 0

    def _boot(self) -> None:
        fresh = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        program = [sys.executable, "-I", "-S", str(Path(init.__file__)), str(self._spec_file)]
        with (self.logs / "init.log").open("ab") as log:
            parent = subprocess.Popen(
                ["unshare", *fresh, "--propagation", "slave"]
                + self._network.inside(self.name, program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        parent.returncode = 0  # intended: it outlives this process
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        try:
            wait_until(
                lambda: self._adopt(children),
                deadline_s=10,
                what=f"the init of {self.name}",
                interval_s=0.02,
            )
        except TimedOutError as late:
            raise ClusterError(f"{late}; see {self.logs / 'init.log'}") from late

    def _adopt(self, children: Path) -> bool:
        try:
            pid = children.read_text().split()[0]
            started = when_started(int(pid))
        except (OSError, IndexError, ValueError):
            return False
        (self.home / "init.started").write_text(started)
        (self.home / "init.pid").write_text(pid)
        return self.pid() is not None

    def _ended(self) -> bool:
        """Kill the remaining processes of the machine; returns whether there were none.

        The processes are found by their command line and not by a recorded pid, so that a lost
        record leaves no process behind. A dying init has no command line any more and waits for its
        last processes, so the method also checks whether the init exists.
        """
        left = processes_naming(self._spec_file)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left and not self._init_exists()

    def _init_exists(self) -> bool:
        try:
            pid = int((self.home / "init.pid").read_text())
            return (self.home / "init.started").read_text() == when_started(pid)
        except (OSError, ValueError):
            return False
