"""The `seawall` command: every error is one line on standard error and a non-zero exit.

Exit codes: 0 done, 1 it failed, 2 the request or the configuration is wrong, 3 something differs,
4 another run is under way, 130 interrupted.
"""

import errno
import sys

from seawall.errors import SeawallError

__all__ = ["main"]


def main() -> None:
    """Entry point of the console script."""
    from seawall.cli.app import app  # noqa: PLC0415 - an import error must be reported, too

    try:
        app()
    except SeawallError as failed:
        sys.stderr.write(f"seawall: {failed}\n")
        sys.exit(failed.exit_code)
    except OSError as failed:
        if failed.errno != errno.ENOSPC:
            raise
        sys.stderr.write(f"seawall: the disk is full ({failed.filename}): make room and rerun\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("seawall: interrupted; run the same command again to continue\n")
        sys.exit(130)
