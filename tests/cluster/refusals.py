"""The expected form of every refusal of the command."""

import subprocess

__all__ = ["assert_one_line"]


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that the command failed with one line that has all of `words`, without a traceback."""
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("seawall: ")]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]
