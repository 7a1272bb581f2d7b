"""The `seawall` command: every error is one line on standard error and a non-zero exit.

With --json, standard output has the error of a command, too:
{"error": {"message": ..., "exit_code": ...}}. A wrong command line prints its usage only.

Exit codes: 0 success, 1 failure, 2 the request or the configuration is wrong, 3 something differs,
4 another run is under way, 130 interrupted.
"""

import errno
import json
import os
import sys
from typing import NoReturn

from seawall.common.errors import SeawallError

__all__ = ["main"]


def main() -> None:
    """Entry point of the console script."""
    from seawall.cli.app import app  # noqa: PLC0415 - import errors must be reported, too

    try:
        app()
    except SeawallError as failed:
        _end(str(failed), failed.exit_code)
    except OSError as failed:
        _end(_one_line(failed), 1)
    except (KeyboardInterrupt, SystemExit) as ended:
        if not _is_interrupt(ended):
            raise
        _end("interrupted; run the same command again to continue", 130)


def _end(message: str, exit_code: int) -> NoReturn:
    if _wants_json(sys.argv[1:]):
        error = {"message": message, "exit_code": exit_code}
        sys.stdout.write(f"{json.dumps({'error': error}, indent=2)}\n")
    sys.stderr.write(f"seawall: {message}\n")
    sys.exit(exit_code)


def _wants_json(words: list[str]) -> bool:
    """Whether the command line has --json, apart from the arguments of kubectl."""
    own = words[: words.index("kubectl")] if "kubectl" in words else words
    return "--json" in own


def _one_line(failed: OSError) -> str:
    if failed.errno == errno.ENOSPC:
        return f"the disk is full ({failed.filename}): make room and rerun"
    reason = " ".join((failed.strerror or str(failed) or type(failed).__name__).split())
    if failed.filename is None:
        return f"the operating system refused: {reason}"
    place = os.fsdecode(failed.filename) if isinstance(failed.filename, bytes) else failed.filename
    return f"{place} cannot be used: {reason}"


def _is_interrupt(ended: BaseException | None) -> bool:
    """Whether Ctrl-C ended the run; Typer turns the interrupt into its own exit exception."""
    while ended is not None and not isinstance(ended, KeyboardInterrupt):
        ended = ended.__cause__ or ended.__context__
    return ended is not None
