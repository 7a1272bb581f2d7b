"""Run the small system programs that the embedded cluster uses."""

import subprocess
from collections.abc import Sequence

from seawall.common.errors import ClusterError

__all__ = ["attempt", "run"]


def run(argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = 60.0) -> str:
    """The program's standard output.

    Raises:
        ClusterError: the program failed; the message has its last line of output.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except FileNotFoundError as missing:
        raise ClusterError(f"{argv[0]} is not installed: run `make up`") from missing
    except subprocess.TimeoutExpired as late:
        raise ClusterError(f"`{' '.join(argv)}` did not end within {timeout_s:.0f} s") from late
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise ClusterError(f"`{' '.join(argv)}` failed: {words[-1] if words else 'no output'}")
    return done.stdout


def attempt(argv: Sequence[str]) -> bool:
    """Run the program; returns whether it succeeded. For steps that may already be done."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
