"""`seawall` as a user of another checkout runs it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["SEAWALL", "run"]

SEAWALL = (sys.executable, "-c", "import sys; from seawall.cli import main; sys.exit(main())")
"""The command of the checkout that it is run in."""


def run(
    *arguments: str,
    checkout: Path,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SEAWALL, *arguments],
        cwd=checkout,
        env={**os.environ, **(variables or {})},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
    )
