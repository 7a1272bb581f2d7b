"""A real API server with etcd and controllers: plain processes on loopback, no nodes.

For tests that need API objects but no running containers: pods are only reported as running. The
flags and the keys are those of the bundled control plane, so both accept the same objects.
"""

import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from seawall.common.wait import TimedOutError, wait_until
from seawall.kube.kubectl import Kubectl
from seawall.testbed.cluster.control_plane import control_plane_daemons
from seawall.testbed.cluster.init import DaemonSpec
from seawall.testbed.cluster.instance import Instance
from seawall.testbed.cluster.kubeconfig import write_kubeconfig
from seawall.testbed.cluster.machine import HOME, PROGRAMS
from seawall.testbed.cluster.pki import ensure_pki
from seawall.testbed.kit import Kit
from tests.support.ports import free_port
from tests.support.simulated_kubelet import simulated_kubelet

__all__ = ["ApiServer", "serve_kubernetes"]

_CONTROLLERS = (
    "deployment-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "persistentvolumeclaim-protection-controller",
    "replicaset-controller",
    "serviceaccount-controller",
    "statefulset-controller",
)
_READY = {
    # The controllers exit when they find no healthy API server within 10 s, so they start after it.
    "kube-apiserver": ("get", "--raw=/readyz"),
    "kube-controller-manager": ("get", "--namespace=default", "serviceaccount/default"),
}
"""For each daemon, the kubectl command that succeeds once the daemon works."""
_START_S = 90
"""Start limit on a machine with ten competing processes per processor; an idle one needs 5 s."""
_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The access of clients; the user of the kubeconfig may do everything."""

    kubeconfig: Path
    program: Path
    """kubectl."""

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.program, self.kubeconfig)


@contextmanager
def serve_kubernetes(kit: Kit, folder: Path) -> Generator[ApiServer]:
    """Run the API server until the end of the block; data, keys and logs are in `folder`.

    `python -m tests.support.prepare engine` installs what runs here.

    Raises:
        RuntimeError: the server does not answer; the message has the last lines of its logs.
    """
    programs = kit.tool("kubernetes")
    instance = Instance("tests", octet=64, nodes=0, data=folder)
    url = f"https://127.0.0.1:{free_port()}"
    pki = ensure_pki(instance)
    for user in ("admin", "controller-manager"):
        file = folder / f"{user}.kubeconfig"
        write_kubeconfig(file, instance=instance, pki=pki, user=user)
        file.write_text(file.read_text().replace(instance.api_server, url))
    local_paths = {f"{HOME}-pki": pki, PROGRAMS: programs, HOME: folder}
    own_flags = _own_flags(folder, url)
    served = ApiServer(folder / "admin.kubeconfig", programs / "kubectl")
    daemons = {daemon["name"]: daemon for daemon in control_plane_daemons(instance)}
    running: dict[str, subprocess.Popen[bytes]] = {}
    with ExitStack() as ending:
        for name, flags in own_flags.items():
            command = _command(daemons[name], local_paths, flags)
            running[name] = ending.enter_context(_running(command, folder))
            if name in _READY:
                _await(name, served, running, folder)
        ending.enter_context(simulated_kubelet(served.program, served.kubeconfig))
        yield served


def _own_flags(folder: Path, url: str) -> dict[str, dict[str, str]]:
    """The daemons in start order, each with the flags that differ from the bundled cluster."""
    etcd, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    return {
        "etcd": {
            "data-dir": str(folder / "etcd"),
            "listen-client-urls": etcd,
            "advertise-client-urls": etcd,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
        },
        "kube-apiserver": {
            "etcd-servers": etcd,
            "bind-address": "127.0.0.1",
            "secure-port": url.rsplit(":", 1)[1],
        },
        "kube-controller-manager": {"controllers": ",".join(_CONTROLLERS), "secure-port": "0"},
    }


def _command(
    daemon: DaemonSpec, local_paths: Mapping[str, Path], own_flags: Mapping[str, str]
) -> list[str]:
    """The daemon's command line with the paths of this machine and with `own_flags`."""
    program, *words = (_with_local_paths(word, local_paths) for word in daemon["argv"])
    flags = dict(word.removeprefix("--").split("=", 1) for word in words)
    return [program, *(f"--{flag}={value}" for flag, value in {**flags, **own_flags}.items())]


def _with_local_paths(word: str, local_paths: Mapping[str, Path]) -> str:
    for inside, here in local_paths.items():
        word = word.replace(f"{inside}/", f"{here}/")
    return word


@contextmanager
def _running(command: Sequence[str], folder: Path) -> Generator["subprocess.Popen[bytes]"]:
    """Run a process that the kernel kills when this process ends for any reason."""
    with (
        (folder / f"{Path(command[0]).name}.log").open("wb") as log,
        subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()  # the data is disposable, and an orderly shutdown takes seconds


def _await(
    name: str, served: ApiServer, running: Mapping[str, "subprocess.Popen[bytes]"], folder: Path
) -> None:
    """Wait until the daemon that was started last works."""

    def works() -> bool:
        ended = [name for name, process in running.items() if process.poll() is not None]
        if ended:
            raise RuntimeError(f"ended at once: {', '.join(ended)}\n{_last_log_lines(folder)}")
        return served.kubectl.succeeds(*_READY[name])

    try:
        wait_until(works, deadline_s=_START_S, what=name, interval_s=0.3)
    except TimedOutError as timeout:
        raise RuntimeError(f"{timeout}\n{_last_log_lines(folder)}") from timeout


def _last_log_lines(folder: Path) -> str:
    logs = {file.name: file.read_text(errors="replace") for file in sorted(folder.glob("*.log"))}
    return "\n".join(
        "\n".join([f"--- {name}", *text.splitlines()[-_LAST_LINES:]]) for name, text in logs.items()
    )
