"""Run a program whose output matters only when it fails."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from seawall.common.errors import BuildError

__all__ = ["run_logged"]

_TAIL_LINES = 6


def run_logged(
    argv: Sequence[str | Path],
    *,
    log: Path,
    what: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run the program to its end and write all its output to `log`.

    Raises:
        BuildError: the program failed or is not installed; the message has its last output lines.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                check=False,
            )
        except FileNotFoundError as missing:
            raise BuildError(f"{what}: {argv[0]} is not installed") from missing
    if done.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines()[-_TAIL_LINES:]
        tail = " | ".join(line.strip() for line in lines if line.strip())
        raise BuildError(
            f"{what} failed (exit {done.returncode}): {tail or 'no output'};"
            f" full log: {log}; run the same command again to continue"
        )
