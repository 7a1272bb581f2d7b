"""Files that are mounted over those of /proc, so that each machine has its own identity.

Machines share the host's kernel. Two things must not be shared: the identity of a machine, and
settings that a kubelet would change permanently for the whole host.
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
"""Values from the kubelet's setupKernelTunables, which writes every setting that differs.

With these values in its kernel, the host would reboot after a kernel oops.
"""


def write_identity(home: Path) -> None:
    """Write a machine's files; the boot id is new each time, as on a real machine."""
    (home / "boot-id").write_text(f"{uuid.uuid4()}\n")
    if not (home / "machine-id").exists():
        (home / "machine-id").write_text(f"{secrets.token_hex(16)}\n")
    (home / "kernel").mkdir(exist_ok=True)
    for setting, value in _KUBELET_WANTS.items():
        _believed(home, setting).write_text(f"{value}\n")


def identity_binds(home: Path) -> list[tuple[str, str]]:
    """The mounts as (source, target), without targets that this kernel does not have."""
    binds = {
        "/proc/sys/kernel/random/boot_id": home / "boot-id",
        "/etc/machine-id": home / "machine-id",
        **{f"/proc/sys/{setting}": _believed(home, setting) for setting in _KUBELET_WANTS},
    }
    return [(str(source), target) for target, source in binds.items() if Path(target).exists()]


def _believed(home: Path, setting: str) -> Path:
    return home / "kernel" / setting.replace("/", ".")
