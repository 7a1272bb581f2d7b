"""`python -m tools.picture`: run `seawall status` and write docs/images/status.svg."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

CHECKOUT = Path(__file__).resolve().parents[2]
PICTURE = CHECKOUT / "docs" / "images" / "status.svg"
_COLUMNS = 110
_TERMINAL = {"FORCE_COLOR": "1", "COLUMNS": str(_COLUMNS), "TERM": "xterm-256color"}


def main() -> int:
    """Write the picture if `seawall status` exits with 0; returns the exit code of that command."""
    command = [str(CHECKOUT / ".venv" / "bin" / "seawall"), "status"]
    shown = subprocess.run(
        command, env={**os.environ, **_TERMINAL}, capture_output=True, text=True, check=False
    )
    if shown.returncode != 0:
        sys.stderr.write(f"no picture: `seawall status` exited with {shown.returncode}\n")
        sys.stderr.write(shown.stdout + shown.stderr)
        return shown.returncode
    console = Console(record=True, width=_COLUMNS, file=StringIO())
    console.print(Text.from_ansi(shown.stdout))
    PICTURE.parent.mkdir(exist_ok=True)
    console.save_svg(str(PICTURE), title="seawall status", unique_id="status")
    return 0


if __name__ == "__main__":
    sys.exit(main())
