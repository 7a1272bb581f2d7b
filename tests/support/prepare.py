"""`python -m tests.support.prepare PART...`: install what the parts of the test suite start.

Debian packages are installed and Go programs are built here, with progress output, so that no test
waits for a build within its own time limit. Programs that exist already cost no time.
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from seawall.common.errors import HostError, SeawallError, UsageError
from seawall.testbed.kit import Kit, kit_here
from seawall.testbed.local_environment import build_images
from seawall.testbed.toolchain.debian import TEST_PROGRAMS, ensure_packages

__all__ = ["main"]


@dataclass(frozen=True, slots=True)
class _Needs:
    """Programs that one part of the suite starts: from Debian packages, and modules of tools/."""

    programs: Mapping[str, str]
    """By package."""
    tools: tuple[str, ...] = ()


_PARTS: Mapping[str, _Needs] = {
    "unit": _Needs({"prometheus": "promtool"}),
    "check": _Needs(
        TEST_PROGRAMS, ("actionlint", "alertmanager", "blackbox-exporter", "kind", "versitygw")
    ),
    "engine": _Needs(
        {"etcd-server": "etcd"}, ("kubernetes", "pulumi", "pulumi-kubernetes", "versitygw")
    ),
    "cluster": _Needs(TEST_PROGRAMS),  # and all that `seawall up` builds
}


def main() -> int:
    """Prepare the parts that the command line names.

    Returns:
        The exit code.
    """
    try:
        kit = kit_here()
        for part in sys.argv[1:]:
            begun = time.monotonic()
            _prepare(part, kit)
            print(f"preparation of {part}: {time.monotonic() - begun:.1f} s")
    except SeawallError as failed:
        sys.stderr.write(f"seawall: {failed}\n")
        return failed.exit_code
    return 0


def _prepare(part: str, kit: Kit) -> None:
    if part not in _PARTS:
        raise UsageError(f"no such part of the tests: {part}; there are {', '.join(_PARTS)}")
    needs = _PARTS[part]
    missing = [name for name, program in needs.programs.items() if not shutil.which(program)]
    if missing and os.geteuid() != 0:
        raise HostError(f"{part}: run as root: apt-get install {' '.join(missing)}")
    if missing:
        ensure_packages(tuple(missing), kit.progress, kit.cache.root / "logs")
    for tool in needs.tools:
        kit.tool(tool)
    if part == "cluster":
        _ = kit.supplies
        build_images(kit)


if __name__ == "__main__":
    sys.exit(main())
