"""What every refusal of the command must look like."""

import subprocess

__all__ = ["assert_one_line"]


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed with one line that holds all of `words`, and with no traceback."""
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("seawall: ")]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]
