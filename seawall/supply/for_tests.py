"""`python -m seawall.supply.for_tests`: install the servers that tests without a cluster start.

Not root and something missing: says what to install, since only root can.
"""

import os
import shutil
import sys

from seawall.errors import HostError, SeawallError
from seawall.kit import kit_here
from seawall.supply.debian import TEST_PACKAGES, ensure_packages

__all__ = ["main"]

_PROGRAMS = ("chromium", "nginx", "promtool", "redis-server")


def main() -> int:
    """The exit code."""
    missing = [program for program in _PROGRAMS if not shutil.which(program)]
    try:
        if missing and os.geteuid() != 0:
            packages = " ".join(TEST_PACKAGES)
            raise HostError(f"{', '.join(missing)} missing: apt-get install {packages}, as root")
        kit = kit_here()
        if missing:
            ensure_packages(TEST_PACKAGES, kit.progress, kit.cache.root / "logs")
    except SeawallError as failed:
        sys.stderr.write(f"seawall: {failed}\n")
        return failed.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
