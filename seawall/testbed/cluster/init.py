"""Process 1 of a machine: prepares its file system view, starts its daemons and keeps them running.

machine.py starts it inside new namespaces as `python init.py SPEC.json`. It uses only the standard
library, so that it needs little memory and nothing from the project. When this process ends, the
kernel ends every daemon, shim and container of the machine and removes its mounts.

A daemon that ends is restarted after a short pause. So the order of start needs no code (a kubelet
without containerd tries again), and every daemon comes back after `kill -9`.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

__all__ = ["DaemonSpec", "MachineSpec", "main"]

_RESTART_PAUSE_S = 0.5
_MS_REC, _MS_SHARED, _MS_SLAVE, _MS_BIND = 0x4000, 0x100000, 0x80000, 0x1000


class DaemonSpec(TypedDict):
    """One program to keep running; `log` is a path inside the machine."""

    name: str
    argv: list[str]
    env: dict[str, str]


class MachineSpec(TypedDict):
    """A machine; `binds` are (source on the host, target inside), mounted in this order."""

    hostname: str
    binds: list[tuple[str, str]]
    daemons: list[DaemonSpec]
    log_folder: str
    pid_folder: str


def main(spec_file: str) -> None:
    """Run the machine; never returns, because a machine runs until its init is killed."""
    spec: MachineSpec = json.loads(Path(spec_file).read_text())
    socket.sethostname(spec["hostname"])
    _mount_everything(spec)
    running: dict[int, DaemonSpec] = {}
    due: list[tuple[float, DaemonSpec]] = [(0.0, daemon) for daemon in spec["daemons"]]
    while True:
        now = time.monotonic()
        for at, daemon in list(due):
            if at <= now:
                due.remove((at, daemon))
                running[_start(daemon, spec)] = daemon
        ended = _reap()
        for pid in ended:
            daemon = running.pop(pid, None)  # None: an orphan that this init inherited
            if daemon is not None:
                due.append((time.monotonic() + _RESTART_PAUSE_S, daemon))
        if not ended:
            # SIGCHLD ends the wait at once; the timeout is for restarts that are due.
            signal.sigtimedwait({signal.SIGCHLD}, 0.2 if due else 5.0)


def _mount_everything(spec: MachineSpec) -> None:
    # First slave, so that mounts of the machine do not reach the host. Later shared, because the
    # kubelet propagates volume mounts into containers.
    _mount(None, "/", _MS_REC | _MS_SLAVE)
    # Hide the host's /run, which contains sockets, locks and network namespaces.
    staged = [(os.open(source, os.O_PATH), target) for source, target in spec["binds"]]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "machine", "/run"], check=True)
    # Hide its /tmp as well: files there would survive the power loss of a machine.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "machine", "/tmp"], check=True)  # noqa: S108 - its own
    for handle, target in staged:
        source = f"/proc/self/fd/{handle}"
        if target.startswith("/run/"):
            Path(target).mkdir(parents=True, exist_ok=True)
        _mount(source, target, _MS_BIND | _MS_REC)
        os.close(handle)
    _mount(None, "/", _MS_REC | _MS_SHARED)


def _mount(source: str | None, target: str, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    outcome = libc.mount(source.encode() if source else None, target.encode(), None, flags, None)
    if outcome != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {source} on {target}: {os.strerror(code)}")


def _start(daemon: DaemonSpec, spec: MachineSpec) -> int:
    name = daemon["name"]
    with Path(spec["log_folder"], f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            daemon["argv"],
            env={**os.environ, **daemon["env"]},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_unblock_signals,  # noqa: PLW1509 - this process has one thread
        )
    Path(spec["pid_folder"], f"{name}.pid").write_text(str(process.pid))
    process.returncode = 0  # _reap collects it; Popen must not wait for it as well
    return process.pid


def _unblock_signals() -> None:
    # A child process inherits blocked signals.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _reap() -> list[int]:
    ended: list[int] = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append(pid)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    main(sys.argv[1])
