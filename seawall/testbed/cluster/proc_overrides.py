"""What a machine believes about itself and its kernel: files that are mounted over those of /proc.

Machines share the host's kernel, and some of what is there once per kernel must not be shared: who
a machine is, and settings that a kubelet would change for the whole host and leave so.
"""

import secrets
import uuid
from pathlib import Path

__all__ = ["identity_binds", "write_identity"]

_KUBELET_WANTS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""kubelet's setupKernelTunables: it writes what differs, and a host would reboot after an oops."""


def write_identity(home: Path) -> None:
    """Write a machine's files; the boot id is new each time, as in real life."""
    (home / "boot-id").write_text(f"{uuid.uuid4()}\n")
    if not (home / "machine-id").exists():
        (home / "machine-id").write_text(f"{secrets.token_hex(16)}\n")
    (home / "kernel").mkdir(exist_ok=True)
    for setting, value in _KUBELET_WANTS.items():
        _believed(home, setting).write_text(f"{value}\n")


def identity_binds(home: Path) -> list[tuple[str, str]]:
    """Where to mount them: (source, target); what this kernel does not have is left out."""
    binds = {
        "/proc/sys/kernel/random/boot_id": home / "boot-id",
        "/etc/machine-id": home / "machine-id",
        **{f"/proc/sys/{setting}": _believed(home, setting) for setting in _KUBELET_WANTS},
    }
    return [(str(source), target) for target, source in binds.items() if Path(target).exists()]


def _believed(home: Path, setting: str) -> Path:
    return home / "kernel" / setting.replace("/", ".")
